//! Mirrors the core's values for `UniFFI`, and says how the library is linked.
//!
//! A value stands once, with its docs, in the core. Its fields are read from there, and what crosses is written to two
//! files, which `src/values.rs` and `src/config.rs` include: a type of the same fields, and its conversion.

mod operations;

use self::operations::Written;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, Expr, Field, Fields, GenericArgument, Ident, Item, ItemEnum, ItemImpl, ItemStruct, Lit, LitStr, Meta,
    PathArguments, Token, Type, Visibility, braced, parse_quote,
};

/// Which way a value goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// The files of the core whose public types are mirrored, and which way those go.
const FILES: [(&str, Way); 9] = [
    ("attempt.rs", Way::Out),
    ("values/payout.rs", Way::Out),
    ("values/codes.rs", Way::Out),
    ("payouts/request.rs", Way::In),
    ("catalogue/models.rs", Way::Out),
    ("changes/change.rs", Way::Out),
    ("callback_url/url.rs", Way::In),
    ("credentials.rs", Way::In),
    ("error.rs", Way::Out),
];

/// What goes in, among what comes out.
const GIVEN: &str = "PaymentOptionFilter";

/// What `src` has in a form of its own, and the records that are in the variants of a method.
const OTHERWISE: [&str; 5] = ["CallbackUrlOptions", "Credentials", "BankTransfer", "CryptoTransfer", "WalletTransfer"];

/// What an error is made of shows itself as each language shows its values. In Swift, a field of one is `description`.
const NOT_SHOWN: [&str; 2] = ["Reason", "Attempt"];

/// What the border of the JVM has to know of the values.
#[derive(Default)]
struct Known {
    /// Lists of names.
    plain: Vec<(Ident, Vec<Ident>)>,
    /// Lists of codes that the platform may extend.
    open: Vec<(Ident, Vec<Ident>)>,
    /// What else shows itself.
    shown: Vec<Ident>,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=operations.rs");
    // JNA closes the library when its class loader is collected, and the threads of the runtime still run in it.
    if matches!(env::var("CARGO_CFG_TARGET_OS").as_deref(), Ok("linux" | "android")) {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
    let (mut values, mut known) = (TokenStream::new(), Known::default());
    for (file, way) in FILES {
        let source = Source::read(file)?;
        values.extend(source.mirrors(way, &mut known)?);
    }
    write("values.rs", &values)?;
    write("config.rs", &settings(Source::read("config.rs")?.record("Config")?))?;
    let Written { rust, tables, kotlin } = operations::written(&known)?;
    write("operations.rs", &rust)?;
    write("tables.rs", &tables)?;
    write("Operations.kt", &kotlin)
}

fn write(name: &str, code: &impl ToString) -> Outcome<()> {
    Ok(fs::write(Path::new(&env::var("OUT_DIR")?).join(name), code.to_string())?)
}

/// A file of the core.
struct Source {
    name: &'static str,
    items: Vec<Item>,
}

impl Source {
    fn read(name: &'static str) -> Outcome<Self> {
        let path = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../core/src").join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        Ok(Self { name, items: syn::parse_file(&fs::read_to_string(path)?)?.items })
    }

    /// The types of this file that cross: a new one needs no line here.
    fn mirrors(&self, way: Way, known: &mut Known) -> Outcome<TokenStream> {
        let crosses = |public: &Visibility, name: &Ident| {
            matches!(public, Visibility::Public(_)) && !OTHERWISE.iter().any(|other| name == other)
        };
        let has_names = |record: &ItemStruct| matches!(record.fields, Fields::Named(_));
        let mut mirrors = TokenStream::new();
        for item in &self.items {
            mirrors.extend(match item {
                Item::Struct(record) if has_names(record) && crosses(&record.vis, &record.ident) => {
                    if is_shown(&record.ident) {
                        known.shown.push(record.ident.clone());
                    }
                    self.mirror_record(record, if record.ident == GIVEN { Way::In } else { way })
                }
                Item::Enum(choice) if crosses(&choice.vis, &choice.ident) => {
                    if is_plain(choice) {
                        let names = choice.variants.iter().map(|variant| variant.ident.clone());
                        known.plain.push((choice.ident.clone(), names.collect()));
                    } else {
                        known.shown.push(choice.ident.clone());
                    }
                    self.mirror_enum(choice)?
                }
                Item::Macro(list) if list.mac.path.is_ident("open_codes") => {
                    let codes: Codes = list.mac.parse_body()?;
                    let names = codes.known.iter().map(|(_, code)| code.clone());
                    known.open.push((codes.name.clone(), names.collect()));
                    codes.mirror()
                }
                _ => continue,
            });
        }
        Ok(mirrors)
    }

    fn record(&self, name: &str) -> Outcome<&ItemStruct> {
        let found = self.items.iter().find_map(|item| match item {
            Item::Struct(record) if record.ident == name => Some(record),
            _ => None,
        });
        found.ok_or_else(|| format!("core/src/{} has no {name}", self.name).into())
    }

    fn mirror_record(&self, record: &ItemStruct, way: Way) -> TokenStream {
        let (docs, name) = (docs(&record.attrs), &record.ident);
        let fields = ordered(&record.fields, way).into_iter().map(|field| mirror_field(field, &quote!(pub)));
        let names: Vec<_> = record.fields.iter().map(|field| &field.ident).collect();
        let converted = record.fields.iter().map(|field| converted(field.ident.as_ref(), &field.ty));
        let (from, to) = match way {
            Way::In => (quote!(#name), quote!(komopay_core::#name)),
            Way::Out => (quote!(komopay_core::#name), quote!(#name)),
        };
        let debug = match (way, self.debug(name)) {
            (Way::In, _) => debug_as_core(name),
            (Way::Out, Some(own)) => quote!(#own),
            (Way::Out, None) => debug_without_raw(name, &names),
        };
        let (shown, display) = if is_shown(name) {
            (quote!(#[uniffi::export(Debug, Display)]), quote!(display_as_debug!(#name);))
        } else {
            (quote!(), quote!())
        };
        quote! {
            #docs
            #[derive(Clone, PartialEq, Eq, uniffi::Record)]
            #shown
            pub struct #name { #(#fields,)* }

            impl From<#from> for #to {
                fn from(value: #from) -> Self {
                    let #from { #(#names),* } = value;
                    Self { #(#names: #converted),* }
                }
            }

            #debug
            #display
        }
    }

    /// How the core shows a value, if it does not derive it. The mirror has the same fields.
    fn debug(&self, name: &Ident) -> Option<&ItemImpl> {
        self.items.iter().find_map(|item| match item {
            Item::Impl(code) => {
                let (of, _) = code.trait_.as_ref()?;
                let (of, shown) = (of.segments.last()?, &code.self_ty);
                (of.ident == "Debug" && *name == quote!(#shown).to_string()).then_some(code)
            }
            _ => None,
        })
    }

    fn mirror_enum(&self, choice: &ItemEnum) -> Outcome<TokenStream> {
        let (docs_, name) = (docs(&choice.attrs), &choice.ident);
        if is_plain(choice) {
            let variants = choice.variants.iter().map(|variant| (docs(&variant.attrs), &variant.ident));
            let (docs, names): (Vec<_>, Vec<_>) = variants.unzip();
            return Ok(quote! {
                #docs_
                #[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
                pub enum #name { #(#docs #names,)* }

                impl From<#name> for komopay_core::#name {
                    fn from(value: #name) -> Self {
                        match value { #(#name::#names => Self::#names,)* }
                    }
                }

                impl From<komopay_core::#name> for #name {
                    fn from(value: komopay_core::#name) -> Self {
                        match value { #(komopay_core::#name::#names => Self::#names,)* }
                    }
                }
            });
        }
        // Each variant is a record: here it has that one's fields.
        let (mut variants, mut arms) = (Vec::new(), Vec::new());
        for variant in &choice.variants {
            let (docs, variant, record) = (docs(&variant.attrs), &variant.ident, record_of(&variant.fields)?);
            let record = self.record(&record.to_string())?;
            let of = &record.ident;
            let fields = ordered(&record.fields, Way::In).into_iter().map(|field| mirror_field(field, &quote!()));
            let names: Vec<_> = record.fields.iter().map(|field| &field.ident).collect();
            let converted = record.fields.iter().map(|field| converted(field.ident.as_ref(), &field.ty));
            variants.push(quote!(#docs #variant { #(#fields,)* }));
            arms.push(quote! {
                #name::#variant { #(#names),* } => Self::#variant(komopay_core::#of { #(#names: #converted),* })
            });
        }
        let debug = debug_as_core(name);
        Ok(quote! {
            #docs_
            #[derive(Clone, PartialEq, Eq, uniffi::Enum)]
            #[uniffi::export(Debug, Display)]
            pub enum #name { #(#variants,)* }

            impl From<#name> for komopay_core::#name {
                fn from(value: #name) -> Self {
                    match value { #(#arms,)* }
                }
            }

            #debug
            display_as_debug!(#name);
        })
    }
}

fn is_shown(record: &Ident) -> bool {
    !NOT_SHOWN.iter().any(|hidden| record == hidden)
}

/// Whether it is a list of names, and no more.
fn is_plain(choice: &ItemEnum) -> bool {
    choice.variants.iter().all(|variant| variant.fields.is_empty())
}

/// The record that a variant holds.
fn record_of(fields: &Fields) -> Outcome<Ident> {
    let held = fields.iter().next().and_then(|field| match &field.ty {
        Type::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    });
    held.ok_or_else(|| "a variant that holds no record is not mirrored".into())
}

/// The settings: what a client can do without may be left out. `Setting` in `src/config.rs` knows their types.
fn settings(config: &ItemStruct) -> TokenStream {
    const NEEDED: [&str; 2] = ["base_url", "credentials"];
    let (mut needed, mut optional) = (Vec::new(), Vec::new());
    for field in &config.fields {
        match field.ident.as_ref().map(ToString::to_string) {
            Some(name) if NEEDED.contains(&name.as_str()) => needed.push(field),
            // The binding says the one; the other is code, and what calls tell is in their results and errors.
            Some(name) if name == "language" || name == "telemetry" => {}
            _ => optional.push(field),
        }
    }
    let fields = needed.iter().map(|field| mirror_field(field, &quote!(pub)));
    let options = optional.iter().map(|field| {
        let (docs, name, ty) = (docs(&field.attrs), &field.ident, &field.ty);
        let default = if generic(ty, "Vec").is_some() { quote!([]) } else { quote!(None) };
        quote!(#docs #[uniffi(default = #default)] pub #name: <#ty as Setting>::Given)
    });
    let needed: Vec<_> = needed.iter().map(|field| &field.ident).collect();
    let names: Vec<_> = optional.iter().map(|field| &field.ident).collect();
    quote! {
        /// The settings of a client. What is left out has its default.
        #[derive(Clone, uniffi::Record)]
        #[uniffi::export(Debug, Display)]
        pub struct Config { #(#fields,)* #(#options,)* }

        impl Config {
            /// The core's settings, with the change store open.
            pub fn into_core(self, language: Language) -> Result<komopay_core::Config, Error> {
                let Self { #(#needed,)* #(#names,)* } = self;
                let default = komopay_core::Config::new(base_url, credentials.into());
                Ok(komopay_core::Config {
                    #(#needed: default.#needed,)*
                    #(#names: Setting::given(#names, default.#names, stringify!(#names))?,)*
                    language: language.name(),
                    ..default
                })
            }
        }
    }
}

/// A list of codes that the platform may extend, in the words of `src/values.rs`.
struct Codes {
    docs: Vec<Attribute>,
    name: Ident,
    known: Vec<(Vec<Attribute>, Ident)>,
}

impl Parse for Codes {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (docs, name) = (input.call(Attribute::parse_outer)?, input.parse()?);
        let content;
        braced!(content in input);
        let mut known = Vec::new();
        while !content.is_empty() {
            known.push((content.call(Attribute::parse_outer)?, content.parse()?));
            content.parse::<Token![=]>()?;
            content.parse::<LitStr>()?;
            content.parse::<Token![,]>()?;
        }
        Ok(Self { docs, name, known })
    }
}

impl Codes {
    fn mirror(&self) -> TokenStream {
        let (docs_, name) = (docs(&self.docs), &self.name);
        let known = self.known.iter().map(|(attributes, code)| {
            let docs = docs(attributes);
            quote!(#docs #code)
        });
        quote!(open_codes! { #docs_ #name { #(#known,)* } })
    }
}

/// What has to be given comes before what may be left out.
fn ordered(fields: &Fields, way: Way) -> Vec<&Field> {
    let mut fields: Vec<_> = fields.iter().collect();
    if way == Way::In {
        fields.sort_by_key(|field| generic(&field.ty, "Option").or(generic(&field.ty, "Vec")).is_some());
    }
    fields
}

fn mirror_field(field: &Field, public: &TokenStream) -> TokenStream {
    let (docs, name, ty) = (docs(&field.attrs), &field.ident, mirrored_type(&field.ty));
    let default = match () {
        () if generic(&ty, "Option").is_some() => quote!(#[uniffi(default = None)]),
        () if generic(&ty, "Vec").is_some() => quote!(#[uniffi(default = [])]),
        () => quote!(),
    };
    quote!(#docs #default #public #name: #ty)
}

/// The type that crosses for a type of the core.
fn mirrored_type(ty: &Type) -> Type {
    for list in ["Option", "Vec"] {
        if let Some(inner) = generic(ty, list) {
            let (list, inner) = (Ident::new(list, proc_macro2::Span::call_site()), mirrored_type(inner));
            return parse_quote!(#list<#inner>);
        }
    }
    match quote!(#ty).to_string().as_str() {
        "PayoutId" | "RawJson" => parse_quote!(String),
        "Attempts" => parse_quote!(Vec<Attempt>),
        "Timestamp" => parse_quote!(Moment),
        "Duration" => parse_quote!(Span),
        "u16" => parse_quote!(Whole),
        "u64" => parse_quote!(ChangeNumber),
        _ => ty.clone(),
    }
}

/// The expression that converts what has this name and, on the core's side, this type.
fn converted(name: Option<&Ident>, ty: &Type) -> TokenStream {
    let value = quote!(value);
    if let Some(inner) = generic(ty, "Option") {
        let inner = converted(Some(&parse_quote!(value)), inner);
        return quote!(#name.map(|#value| #inner));
    }
    if let Some(inner) = generic(ty, "Vec") {
        let inner = converted(Some(&parse_quote!(value)), inner);
        return quote!(#name.into_iter().map(|#value| #inner).collect());
    }
    match quote!(#ty).to_string().as_str() {
        "PayoutId" | "RawJson" => quote!(#name.as_str().to_owned()),
        "String" | "bool" => quote!(#name),
        "Attempts" => quote!(#name.iter().cloned().map(Attempt::from).collect()),
        _ => quote!(#name.into()),
    }
}

/// What is in an `Option` or a `Vec`.
fn generic<'a>(ty: &'a Type, of: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == of)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) => Some(inner),
        _ => None,
    }
}

/// It shows what the core shows.
fn debug_as_core(name: &Ident) -> TokenStream {
    quote! {
        impl fmt::Debug for #name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&komopay_core::#name::from(self.clone()), f)
            }
        }
    }
}

/// It shows all but the answer's JSON.
fn debug_without_raw(name: &Ident, fields: &[&Option<Ident>]) -> TokenStream {
    let shown: Vec<_> = fields.iter().filter(|field| field.as_ref().is_some_and(|field| field != "raw")).collect();
    let finish = if shown.len() == fields.len() { quote!(finish) } else { quote!(finish_non_exhaustive) };
    quote! {
        impl fmt::Debug for #name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!(#name))#(.field(stringify!(#shown), &self.#shown))*.#finish()
            }
        }
    }
}

/// The docs of the core, in the words of the other languages.
fn docs(attributes: &[Attribute]) -> TokenStream {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            Expr::Lit(text) => match &text.lit {
                Lit::Str(text) => Some(in_their_words(&text.value())),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    // An example is in Rust.
    let lines = lines.take_while(|line| !line.trim_start().starts_with("```"));
    quote!(#(#[doc = #lines])*)
}

/// Without links, without the names of the contract's schemas, and with names as `theyWriteThem`.
fn in_their_words(line: &str) -> String {
    let line = without(&without(line, " (contract: ", ")"), "](", ")");
    let line = line
        .replace("[`", "`")
        .replace("`]", "`")
        .replace("Some(true)", "true")
        .replace("Some(false)", "false")
        // What an error tells is told by the languages' errors.
        .replace("`Error::", "`")
        .replace("::", ".");
    let parts =
        line.split('`').enumerate().map(|(at, part)| if at % 2 == 1 { camel_case(part) } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("`")
}

/// Without what begins and ends so.
fn without(line: &str, begin: &str, end: &str) -> String {
    match line.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1))) {
        Some((before, after)) => format!("{before}{after}"),
        None => line.to_owned(),
    }
}

fn camel_case(name: &str) -> String {
    if !name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_') {
        return name.to_owned();
    }
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &capital.into_iter().chain(letters).collect::<String>()
    })
}
