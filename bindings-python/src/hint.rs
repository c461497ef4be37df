//! The types of Python by which a stub names what goes in and comes out. Only the build for `_native.pyi` has them.

use pyo3::inspect::{PyStaticExpr, PyStaticOperator};
use pyo3::{type_hint_identifier, type_hint_subscript};

/// `Literal["text"]`.
macro_rules! literal {
    ($($text:expr),+) => {
        pyo3::type_hint_subscript!(
            pyo3::type_hint_identifier!("typing", "Literal"),
            $(pyo3::inspect::PyStaticExpr::Constant { value: pyo3::inspect::PyStaticConstant::Str($text) }),+
        )
    };
}
pub(crate) use literal;

/// `left | right`.
pub const fn either(left: &'static PyStaticExpr, right: &'static PyStaticExpr) -> PyStaticExpr {
    PyStaticExpr::BinOp { left, op: PyStaticOperator::BitOr, right }
}

pub const NONE: PyStaticExpr = PyStaticExpr::Constant { value: pyo3::inspect::PyStaticConstant::None };
pub const STR: PyStaticExpr = type_hint_identifier!("builtins", "str");
pub const BYTES: PyStaticExpr = type_hint_identifier!("builtins", "bytes");
pub const BOOL: PyStaticExpr = type_hint_identifier!("builtins", "bool");
pub const INT: PyStaticExpr = type_hint_identifier!("builtins", "int");
pub const FLOAT: PyStaticExpr = type_hint_identifier!("builtins", "float");
pub const DATETIME: PyStaticExpr = type_hint_identifier!("datetime", "datetime");
pub const SECONDS: PyStaticExpr = either(&FLOAT, &type_hint_identifier!("datetime", "timedelta"));
pub const TEXTS: PyStaticExpr = type_hint_subscript!(type_hint_identifier!("collections.abc", "Iterable"), STR);
pub const INTS: PyStaticExpr = type_hint_subscript!(type_hint_identifier!("collections.abc", "Iterable"), INT);
pub const PATH: PyStaticExpr = either(&STR, &type_hint_subscript!(type_hint_identifier!("os", "PathLike"), STR));
pub const DECIMAL: PyStaticExpr = type_hint_identifier!("decimal", "Decimal");
/// What an amount can be made of.
pub const AMOUNT: PyStaticExpr = either(&either(&STR, &type_hint_identifier!("typing", "SupportsIndex")), &DECIMAL);
pub const OBJECT: PyStaticExpr = type_hint_identifier!("builtins", "object");
/// The plain data of a value.
pub const DATA: PyStaticExpr = type_hint_subscript!(type_hint_identifier!("collections.abc", "Mapping"), STR, OBJECT);
pub const JSON: PyStaticExpr = either(&STR, &BYTES);
/// A function that gives a text.
pub const PROVIDER: PyStaticExpr =
    type_hint_subscript!(type_hint_identifier!("collections.abc", "Callable"), PyStaticExpr::List { elts: &[] }, STR);
