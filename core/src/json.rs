//! JSON: how an object is read without its values entering an error, and an answer kept as it came.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

/// Why an answer could not be read. The text names the place, never the content.
pub(crate) struct Unreadable(pub String);

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        // serde's own text may quote the value.
        Self(format!("line {}, column {}", error.line(), error.column()))
    }
}

/// Reads a JSON object. An array of the same values in the same order, which serde takes for one, is none.
pub(crate) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unreadable> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Unreadable("it is not a JSON object".to_owned()));
    }
    Ok(serde_json::from_str(text)?)
}

/// Reads an object inside another one: serde would take an array of the same values for it.
pub(crate) fn nested<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(entries))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}

/// The JSON of an answer, as it came. `Debug` shows its length only, since the platform's texts are not ours.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawJson(Arc<str>);

impl RawJson {
    /// An answer that a program kept: for bindings.
    #[doc(hidden)]
    #[must_use]
    pub fn new(json: &str) -> Self {
        Self(Arc::from(json))
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}
