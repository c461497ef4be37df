//! The border to the JVM, besides `UniFFI`'s own: written from the functions that `UniFFI` exports, once for Rust
//! (`src/jni.rs` includes it) and once for Kotlin (`komopay-bindgen operations` prints it). Both are of one run, so
//! that an operation has the same number on both sides; a new one needs no line here.

use std::path::Path;
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Ident, ImplItem, Item, Pat, ReturnType, Signature, Type};

use crate::{Known, Outcome, generic};

/// The files whose functions cross.
const FILES: [&str; 4] = ["callbacks", "checks", "client", "values"];

/// What is known by a number on the other side.
const CLIENT: &str = "NativeClient";

/// What shows itself, besides the values of the core, and where it is.
const SHOWN: [(&str, &str); 3] = [("access", "AccessScope"), ("config", "Config"), ("credentials", "Credentials")];

/// The argument by which `UniFFI` cancels. Here a call is left.
const CANCEL: &str = "Cancel";

struct Operation {
    file: Ident,
    name: Ident,
    /// The type that it is a method of.
    of: Option<Ident>,
    /// What Kotlin calls it.
    called: String,
    /// It waits for something.
    is_call: bool,
    may_fail: bool,
    arguments: Vec<(Ident, Type)>,
    result: Option<Type>,
}

/// What is written.
pub struct Written {
    /// For `src/jni.rs`.
    pub rust: TokenStream,
    /// For `src/tables.rs`: the lines of the tables.
    pub tables: TokenStream,
    /// The functions of Kotlin, before the tables.
    pub kotlin: String,
}

pub fn written(known: &Known) -> Outcome<Written> {
    let (mut operations, mut tables) = (Vec::new(), Vec::new());
    for file in FILES {
        let path = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("src").join(file).with_extension("rs");
        println!("cargo::rerun-if-changed={}", path.display());
        let file = ident(file);
        for item in syn::parse_file(&fs::read_to_string(path)?)?.items {
            match item {
                Item::Fn(function) if is_exported(&function.attrs) => {
                    operations.push(Operation::read(&file, None, &function.sig)?);
                }
                Item::Impl(methods) if is_exported(&methods.attrs) => {
                    let of = ident(&methods.self_ty.to_token_stream().to_string());
                    for method in methods.items {
                        let ImplItem::Fn(method) = method else { continue };
                        match method.sig.inputs.len() {
                            _ if method.sig.receiver().is_none() => {}
                            1 if of != CLIENT => tables.push(table(known, &of, &method.sig.ident)?),
                            _ => operations.push(Operation::read(&file, Some(&of), &method.sig)?),
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let here = SHOWN.map(|(file, name)| (ident(file), ident(name)));
    for (file, of) in here.into_iter().chain(known.shown.iter().map(|of| (ident("values"), of.clone()))) {
        operations.push(Operation::show(file, of, "shown"));
    }
    for (open, _) in &known.open {
        // Its table asks for what it does not know.
        operations.push(Operation::show(ident("values"), open.clone(), "shownByTheCore"));
        tables.extend([table(known, open, &ident("code"))?, table(known, open, &ident("to_string"))?]);
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
    Ok(Written { rust, tables: quote!([#(#tables),*]), kotlin: kotlin.join("\n") })
}

fn ident(name: &str) -> Ident {
    Ident::new(name, proc_macro2::Span::call_site())
}

/// A table of what a method says of each name that is known.
fn table(known: &Known, of: &Ident, method: &Ident) -> Outcome<TokenStream> {
    let is_it = |(name, _): &&(Ident, Vec<Ident>)| name == of;
    let name = if method == "to_string" { "shown".to_owned() } else { crate::camel_case(&method.to_string()) };
    if let Some((_, names)) = known.open.iter().find(is_it) {
        return Ok(quote! {
            open(#name, stringify!(#of), &[#((stringify!(#names), values::#of::#names.#method().literal())),*],
                &values::#of::Unknown { text: String::new() }.#method().literal())
        });
    }
    let (_, names) = known.plain.iter().find(is_it).ok_or_else(|| format!("{of} has no table"))?;
    Ok(quote!(plain(#name, stringify!(#of), &[#((stringify!(#names), values::#of::#names.#method().literal())),*])))
}

fn is_exported(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().to_token_stream().to_string() == "uniffi :: export")
}

impl Operation {
    /// How a value is shown.
    fn show(file: Ident, of: Ident, called: &str) -> Self {
        let (name, result) = (ident("to_string"), Some(syn::parse_quote!(String)));
        let (arguments, called) = (Vec::new(), called.to_owned());
        Self { file, name, called, of: Some(of), is_call: false, may_fail: false, arguments, result }
    }

    fn read(file: &Ident, of: Option<&Ident>, signature: &Signature) -> Outcome<Self> {
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
            called: crate::camel_case(&signature.ident.to_string()),
            of: of.cloned(),
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
        let itself = self.of.as_ref().map(|of| match () {
            () if of == CLIENT => quote!(let itself = found(client)?;),
            () => quote!(let itself: crate::#file::#of = read(arguments)?;),
        });
        let called = match (&self.of, self.is_call) {
            (Some(_), true) => quote!(itself.#name(#(#names,)* cancel).await),
            (Some(_), false) => quote!(itself.#name(#(#names),*)),
            (None, _) => quote!(crate::#file::#name(#(#names),*)),
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
            quote!(#number => { #itself #read Box::pin(async move { #answer }) })
        } else {
            quote!(#number => { #itself #read #answer })
        }
    }

    /// The function of Kotlin.
    fn kotlin(&self, number: i32) -> Outcome<String> {
        let name = &self.called;
        let of_client = self.of.as_ref().is_some_and(|of| of == CLIENT);
        let itself = self.of.as_ref().filter(|_| !of_client);
        let mut given: Vec<_> = itself.iter().map(|of| format!("itself: {of}")).collect();
        if of_client && !self.is_call {
            given.push("client: Long".to_owned());
        }
        let mut sizes: Vec<_> =
            itself.iter().map(|of| format!("FfiConverterType{of}.allocationSize(itself)")).collect();
        let mut writes: Vec<_> =
            itself.iter().map(|of| format!("        FfiConverterType{of}.write(itself, out)\n")).collect();
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
            let client = if of_client { "client" } else { "0" };
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
