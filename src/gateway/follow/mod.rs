//! Keeps a configuration at the state of its sources: [`source`] reads them and
//! has a table built, [`watch`] notices that they change, and [`reload`]
//! publishes each table that is whole. It publishes to whoever runs it, and
//! knows neither the data plane nor the admin.

pub mod reload;
pub mod remark;
pub mod source;
pub mod watch;
