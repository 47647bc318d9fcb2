//! A field of an object in the input, for messages that name file and line.

/// Finds where a field stands.
pub trait Locate {
    /// `file:line:column  path` of a field such as `spec.servers[0].tls`, or
    /// as much of it as is known.
    fn locate(&self, path: &str) -> String;
}

/// A field below an object.
#[derive(Clone)]
pub struct Field<'a> {
    object: &'a dyn Locate,
    path: String,
}

impl<'a> Field<'a> {
    /// A field of `object` by its path.
    pub fn new(object: &'a dyn Locate, path: &str) -> Self {
        Self {
            object,
            path: path.to_owned(),
        }
    }

    /// A field below this one.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self {
            object: self.object,
            path: format!("{}.{name}", self.path),
        }
    }

    /// An element of a list below this field.
    #[must_use]
    pub fn item(&self, list: &str, index: usize) -> Self {
        self.child(&format!("{list}[{index}]"))
    }

    /// Where it stands.
    pub fn locate(&self) -> String {
        self.object.locate(&self.path)
    }
}
