//! The settings of a client, as the core has them: `build.rs` reads them from its source. What is left out has its
//! default.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

// The settings are of the core's types.
use komopay_core::{CallbackKey, ChangeStore, Error, ErrorKind, Money, TokenScope};

use crate::credentials::Credentials;
use crate::scalar::{Span, Whole};
use crate::values::display_as_debug;
use crate::{change_store, money, values};

include!(concat!(env!("OUT_DIR"), "/config.rs"));

/// In which language the client is.
#[derive(Clone, Copy, uniffi::Enum)]
pub enum Language {
    /// Kotlin, or Java.
    Kotlin,
    /// Swift.
    Swift,
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Kotlin => "kotlin",
            Self::Swift => "swift",
        }
    }
}

/// A setting of the core, of this type.
pub trait Setting: Sized {
    /// How it is given.
    type Given;

    /// What is given, or else the default. An error names the setting.
    fn given(given: Self::Given, default: Self, name: &str) -> Result<Self, Error>;
}

/// Settings that are given as a type of ours, or not at all.
macro_rules! settings {
    ($($core:ty: $given:ty, |$value:pat_param, $name:pat_param| $convert:expr;)+) => {
        $(impl Setting for $core {
            type Given = Option<$given>;

            fn given(given: Option<$given>, default: Self, $name: &str) -> Result<Self, Error> {
                match given {
                    Some($value) => $convert,
                    None => Ok(default),
                }
            }
        })+
    };
}

settings! {
    TokenScope: values::TokenScope, |scope, _| Ok(scope.into());
    Duration: Span, |span, name| span.duration(name, ErrorKind::Configuration);
    u32: Whole, |count, name| count.count(name);
    usize: Whole, |count, name| count.count(name);
    bool: bool, |flag, _| Ok(flag);
    Option<bool>: bool, |flag, _| Ok(Some(flag));
    Option<u32>: Whole, |count, name| count.count(name).map(Some);
    Option<f64>: f64, |number, _| Ok(Some(number));
    Option<String>: String, |text, _| Ok(Some(text));
    Option<PathBuf>: String, |path, _| Ok(Some(PathBuf::from(path)));
    Option<Arc<dyn ChangeStore>>: change_store::ChangeStore, |store, _| store.open().map(Some);
}

impl Setting for Vec<Money> {
    type Given = Vec<money::Money>;

    fn given(given: Self::Given, _: Self, _: &str) -> Result<Self, Error> {
        Ok(given.into_iter().map(Money::from).collect())
    }
}

impl Setting for Vec<CallbackKey> {
    type Given = Vec<String>;

    fn given(given: Self::Given, _: Self, _: &str) -> Result<Self, Error> {
        Ok(given.into_iter().map(CallbackKey::new).collect())
    }
}

/// As the core shows them, without opening the change store.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (Self { change_store: None, ..self.clone() }).into_core(Language::Kotlin) {
            Ok(config) => fmt::Debug::fmt(&config, f),
            Err(error) => write!(f, "Config({error})"),
        }
    }
}

display_as_debug!(Config);
