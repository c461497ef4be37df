//! The border to the JVM, besides `UniFFI`'s own: written from the functions that `UniFFI` exports, once for Rust
//! (`src/jni.rs` includes it) and once for Kotlin (`komopay-bindgen operations` prints it). Both are of one run, so that
//! an operation has the same number on both sides; a new one needs no line here.

use std::path::Path;
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Ident, ImplItem, Item, Pat, ReturnType, Signature, Type};

use crate::{Outcome, generic};

/// The files whose functions cross.
const FILES: [&str; 3] = ["callbacks", "checks", "client"];

/// The argument by which `UniFFI` cancels. Here a call is left.
const CANCEL: &str = "Cancel";

struct Operation {
    file: Ident,
    name: Ident,
    is_method: bool,
    /// It waits for something.
    is_call: bool,
    may_fail: bool,
    arguments: Vec<(Ident, Type)>,
    result: Option<Type>,
}

/// The two halves: of Rust, of Kotlin.
pub fn written() -> Outcome<(TokenStream, String)> {
    let mut operations = Vec::new();
    for file in FILES {
        let path = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("src").join(file).with_extension("rs");
        println!("cargo::rerun-if-changed={}", path.display());
        let file = Ident::new(file, proc_macro2::Span::call_site());
        for item in syn::parse_file(&fs::read_to_string(path)?)?.items {
            match item {
                Item::Fn(function) if is_exported(&function.attrs) => {
                    operations.push(Operation::read(&file, &function.sig)?);
                }
                Item::Impl(methods) if is_exported(&methods.attrs) => {
                    for method in methods.items {
                        if let ImplItem::Fn(method) = method
                            && method.sig.receiver().is_some()
                        {
                            operations.push(Operation::read(&file, &method.sig)?);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let numbered = || (0_i32..).zip(&operations);
    let calls = numbered().filter(|(_, operation)| operation.is_call).map(|(number, it)| it.rust(number));
    let others = numbered().filter(|(_, operation)| !operation.is_call).map(|(number, it)| it.rust(number));
    let rust = quote! {
        /// Does what waits for nothing.
        fn done(operation: i32, client: i64, arguments: &mut &[u8]) -> Result<Vec<u8>, Fault> {
            Ok(match operation {
                #(#others)*
                _ => return Err(unknown(operation)),
            })
        }

        /// Begins what waits for something.
        fn begun(operation: i32, client: i64, arguments: &mut &[u8], cancel: Cancel) -> Result<Answer, Fault> {
            Ok(match operation {
                #(#calls)*
                _ => return Err(unknown(operation)),
            })
        }
    };
    let kotlin: Vec<_> = numbered().map(|(number, operation)| operation.kotlin(number)).collect::<Outcome<_>>()?;
    let kotlin = format!(
        "package id.komopay.ffi\n\nimport id.komopay.*\n\n/** What crosses by JNI: see `ffi/operations.rs`. */\n\
         internal object Operations {{\n{}}}\n",
        kotlin.join("\n")
    );
    Ok((rust, kotlin))
}

fn is_exported(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().to_token_stream().to_string() == "uniffi :: export")
}

impl Operation {
    fn read(file: &Ident, signature: &Signature) -> Outcome<Self> {
        let mut arguments = Vec::new();
        for argument in &signature.inputs {
            let FnArg::Typed(argument) = argument else { continue };
            let Pat::Ident(name) = &*argument.pat else { return Err("an argument has a name".into()) };
            if argument.ty.to_token_stream().to_string() != CANCEL {
                arguments.push((name.ident.clone(), (*argument.ty).clone()));
            }
        }
        let returned = match &signature.output {
            ReturnType::Type(_, of) => Some(&**of),
            ReturnType::Default => None,
        };
        let accepted = returned.and_then(|of| generic(of, "Result"));
        let is_unit = |of: &&Type| matches!(of, Type::Tuple(tuple) if tuple.elems.is_empty());
        Ok(Self {
            file: file.clone(),
            name: signature.ident.clone(),
            is_method: signature.receiver().is_some(),
            is_call: signature.asyncness.is_some(),
            may_fail: accepted.is_some(),
            arguments,
            result: accepted.or(returned).filter(|of| !is_unit(of)).cloned(),
        })
    }

    /// The arm of the match.
    fn rust(&self, number: i32) -> TokenStream {
        let Self { file, name, .. } = self;
        let names: Vec<_> = self.arguments.iter().map(|(name, _)| name).collect();
        let read = quote!(#(let #names = read(arguments)?;)*);
        let client = self.is_method.then(|| quote!(let client = found(client)?;));
        let called = match (self.is_method, self.is_call) {
            (true, true) => quote!(client.#name(#(#names,)* cancel).await),
            (true, false) => quote!(client.#name(#(#names),*)),
            (false, _) => quote!(crate::#file::#name(#(#names),*)),
        };
        let answer = match (&self.result, self.may_fail) {
            (Some(_), true) => quote!(answer(#called)),
            (Some(_), false) => quote!(answer(Ok(#called))),
            (None, true) => quote!(nothing(#called)),
            (None, false) => quote!({
                #called;
                nothing(Ok(()))
            }),
        };
        if self.is_call {
            quote!(#number => { #client #read Box::pin(async move { #answer }) })
        } else {
            quote!(#number => { #client #read #answer })
        }
    }

    /// The function of Kotlin.
    fn kotlin(&self, number: i32) -> Outcome<String> {
        let name = crate::camel_case(&self.name.to_string());
        let (mut given, mut sizes, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        if self.is_method && !self.is_call {
            given.push("client: Long".to_owned());
        }
        for (argument, of) in &self.arguments {
            let (field, argument) = (argument, crate::camel_case(&argument.to_string()));
            let converter = converter(of)?;
            given.push(format!("{argument}: {}", kotlin_type(of)?));
            sizes.push(format!("FfiConverter{converter}.allocationSize({argument})"));
            writes.push(format!(
                "        inField(\"{field}\", {argument}) {{ FfiConverter{converter}.write(it, out) }}\n"
            ));
        }
        let (of, read) = match &self.result {
            Some(of) => (kotlin_type(of)?, format!("FfiConverter{}.read(it)", converter(of)?)),
            None => ("Unit".to_owned(), String::new()),
        };
        let size = if sizes.is_empty() { "0UL".to_owned() } else { sizes.join(" + ") };
        let (result, end) = if self.is_call {
            (format!("Operation<{of}>"), format!("Operation({number}, crossing(out)) {{ {read} }}"))
        } else {
            let client = if self.is_method { "client" } else { "0" };
            (of, format!("now({number}, {client}, crossing(out)) {{ {read} }}"))
        };
        Ok(format!(
            "    fun {name}({}): {result} {{\n        val out = arguments({size})\n{}        return {end}\n    }}\n",
            given.join(", "),
            writes.concat(),
        ))
    }
}

/// The end of the name of what `UniFFI` converts this type with, in Kotlin.
fn converter(of: &Type) -> Outcome<String> {
    if let Some(inner) = generic(of, "Option") {
        return Ok(format!("Optional{}", converter(inner)?));
    }
    if let Some(inner) = generic(of, "Vec").filter(|inner| !is_byte(inner)) {
        return Ok(format!("Sequence{}", converter(inner)?));
    }
    Ok(match of.to_token_stream().to_string().as_str() {
        "Vec < u8 >" => "ByteArray".to_owned(),
        "String" => "String".to_owned(),
        "bool" => "Boolean".to_owned(),
        "i64" => "Long".to_owned(),
        "f64" => "Double".to_owned(),
        name if name.chars().all(char::is_alphanumeric) => format!("Type{name}"),
        other => return Err(format!("{other} does not cross to the JVM").into()),
    })
}

fn kotlin_type(of: &Type) -> Outcome<String> {
    if let Some(inner) = generic(of, "Option") {
        return Ok(format!("{}?", kotlin_type(inner)?));
    }
    if let Some(inner) = generic(of, "Vec").filter(|inner| !is_byte(inner)) {
        return Ok(format!("List<{}>", kotlin_type(inner)?));
    }
    let name = converter(of)?;
    Ok(name.strip_prefix("Type").unwrap_or(&name).to_owned())
}

fn is_byte(of: &Type) -> bool {
    of.to_token_stream().to_string() == "u8"
}
