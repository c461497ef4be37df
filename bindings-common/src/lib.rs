//! What the bindings of all languages do alike. They convert types and map errors, and have nothing else of their own.

#![forbid(unsafe_code)]

pub mod log;
