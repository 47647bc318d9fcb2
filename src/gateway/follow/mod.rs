//! Keeps a configuration at the state of its sources: [`source`] reads them and
//! has a table built, [`watch`] notices that they change, and [`reload`]
//! publishes each table that is whole; `unfinished` and `departed` hold back what a
//! half-written file takes away. It publishes to whoever runs it, and
//! knows neither the data plane nor the admin.

mod departed;
pub mod reload;
pub mod remark;
pub mod source;
mod unfinished;
pub mod watch;
