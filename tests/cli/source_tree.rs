//! The program's sources as a Rust parser sees them: files, what each refers to and
//! where that is defined, its functions and macros. Unit tests are left out.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// All source files of the library.
pub(crate) struct Tree {
    pub(crate) files: Vec<SourceFile>,
}

/// A file of the library.
pub(crate) struct SourceFile {
    /// From the root of the repository: `src/gateway/mod.rs`.
    pub(crate) name: String,
    /// The module that the file is: `gateway::config`.
    pub(crate) module: String,
    /// Whether only the fuzzer and tests compile it.
    pub(crate) is_fuzzing: bool,
    /// What it refers to, outside its unit tests.
    pub(crate) uses: Vec<Use>,
    /// The macros that it calls, by their names.
    pub(crate) macros: Vec<String>,
    /// Its functions and how many lines each has.
    pub(crate) functions: Vec<(String, usize)>,
}

/// A path in a file's code.
pub(crate) struct Use {
    /// The path from the crate's root or from another crate: `crate::names::Host`,
    /// `std::io::stdout`.
    pub(crate) path: String,
    /// The file of this crate that defines what is meant.
    pub(crate) file: Option<usize>,
}

/// The sources, read once.
pub(crate) fn tree() -> &'static Tree {
    static TREE: OnceLock<Tree> = OnceLock::new();
    TREE.get_or_init(|| {
        let mut reading = Reading::default();
        reading.file(Path::new("src/lib.rs"), None, &[], false);
        reading.resolve()
    })
}

/// Every Rust file below a folder of the repository, with its text.
pub(crate) fn texts(folder: &str) -> Vec<(String, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::from(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).expect("a source folder") {
            let name = folder.join(entry.expect("an entry").file_name());
            if root().join(&name).is_dir() {
                folders.push(name);
            } else if name.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(root().join(&name)).expect("a source file");
                found.push((name.display().to_string(), text));
            }
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Tree {
    /// The circles of files that refer to each other, the largest first, each sorted
    /// by name.
    pub(crate) fn circles(&self) -> Vec<Vec<&str>> {
        let mut search = Search::new(self);
        for file in 0..self.files.len() {
            if search.number[file].is_none() {
                search.visit(file);
            }
        }
        let mut circles: Vec<Vec<&str>> = search
            .circles
            .into_iter()
            .filter(|circle| circle.len() > 1)
            .map(|circle| circle.into_iter().map(|file| self.files[file].name.as_str()).collect())
            .collect();
        for circle in &mut circles {
            circle.sort_unstable();
        }
        circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
        circles
    }
}

/// Tarjan's search for strongly connected components.
struct Search<'t> {
    tree: &'t Tree,
    next: usize,
    number: Vec<Option<usize>>,
    low: Vec<usize>,
    path: Vec<usize>,
    is_on_path: Vec<bool>,
    circles: Vec<Vec<usize>>,
}

impl<'t> Search<'t> {
    fn new(tree: &'t Tree) -> Self {
        let count = tree.files.len();
        Self {
            tree,
            next: 0,
            number: vec![None; count],
            low: vec![0; count],
            path: Vec::new(),
            is_on_path: vec![false; count],
            circles: Vec::new(),
        }
    }

    fn visit(&mut self, file: usize) {
        let number = self.next;
        self.next += 1;
        self.number[file] = Some(number);
        self.low[file] = number;
        self.path.push(file);
        self.is_on_path[file] = true;
        let tree = self.tree;
        for other in tree.files[file].uses.iter().filter_map(|used| used.file) {
            match self.number[other] {
                None => {
                    self.visit(other);
                    self.low[file] = self.low[file].min(self.low[other]);
                }
                Some(number) if self.is_on_path[other] => self.low[file] = self.low[file].min(number),
                Some(_) => {}
            }
        }
        if self.low[file] == number {
            let start = self.path.iter().rposition(|other| *other == file).expect("on the path");
            let circle = self.path.split_off(start);
            for other in &circle {
                self.is_on_path[*other] = false;
            }
            self.circles.push(circle);
        }
    }
}

/// A module: that of a file, or one that stands inside it.
#[derive(Default)]
struct Module {
    file: usize,
    parent: Option<usize>,
    path: Vec<String>,
    children: HashMap<String, usize>,
    items: HashSet<String>,
    /// Names that `use` brings, with what they mean; `*` for everything there.
    imports: Vec<(String, Vec<String>)>,
    paths: Vec<Vec<String>>,
}

/// The files as they were read, before paths are followed.
#[derive(Default)]
struct Reading {
    files: Vec<SourceFile>,
    modules: Vec<Module>,
}

impl Reading {
    /// Reads a file and those of its modules.
    fn file(&mut self, name: &Path, parent: Option<usize>, path: &[String], is_fuzzing: bool) -> usize {
        let text =
            std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{}: {error}", name.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", name.display()));
        self.files.push(SourceFile {
            name: name.display().to_string(),
            module: path.join("::"),
            is_fuzzing,
            uses: Vec::new(),
            macros: Vec::new(),
            functions: Vec::new(),
        });
        let file = self.files.len() - 1;
        let stem = name.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let folder = name.parent().unwrap_or(Path::new(""));
        let folder = if matches!(stem, "mod" | "lib") {
            folder.to_owned()
        } else {
            folder.join(stem)
        };
        self.module(file, &folder, parent, path, &parsed.items, is_fuzzing)
    }

    fn module(
        &mut self,
        file: usize,
        folder: &Path,
        parent: Option<usize>,
        path: &[String],
        items: &[syn::Item],
        is_fuzzing: bool,
    ) -> usize {
        let module = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            path: path.to_vec(),
            ..Module::default()
        });
        for item in items {
            let when = When::of(attributes(item));
            if when == When::Test {
                continue;
            }
            if let syn::Item::Mod(child) = item {
                let name = child.ident.to_string();
                let below = [path, std::slice::from_ref(&name)].concat();
                let is_fuzzing = is_fuzzing || when == When::Fuzzing;
                let child = if let Some((_, items)) = &child.content {
                    self.module(file, &folder.join(&name), Some(module), &below, items, is_fuzzing)
                } else {
                    let own = folder.join(format!("{name}.rs"));
                    let own = if root().join(&own).exists() {
                        own
                    } else {
                        folder.join(&name).join("mod.rs")
                    };
                    self.file(&own, Some(module), &below, is_fuzzing)
                };
                self.modules[module].children.insert(name, child);
                continue;
            }
            let mut look = Look::default();
            look.visit_item(item);
            self.modules[module].items.extend(name_of(item));
            self.modules[module].imports.append(&mut look.imports);
            self.modules[module].paths.append(&mut look.paths);
            self.files[file].macros.append(&mut look.macros);
            self.files[file].functions.append(&mut look.functions);
        }
        module
    }

    fn resolve(mut self) -> Tree {
        for module in 0..self.modules.len() {
            let file = self.modules[module].file;
            let uses: Vec<Use> = self.modules[module]
                .paths
                .iter()
                .map(|path| {
                    let meant = self.follow(module, path, 0);
                    Use {
                        file: meant
                            .item()
                            .map(|module| self.modules[module].file)
                            .filter(|other| *other != file),
                        path: match &meant {
                            Meant::Elsewhere(path) => path.join("::"),
                            _ => self.absolute(module, path),
                        },
                    }
                })
                .collect();
            self.files[file].uses.extend(uses);
        }
        Tree { files: self.files }
    }

    /// A path of this crate from its root, as far as it is written out.
    fn absolute(&self, module: usize, path: &[String]) -> String {
        let mut start = module;
        let mut rest = path;
        let mut from_root = Vec::new();
        match path.first().map(String::as_str) {
            Some("crate") => rest = &path[1..],
            Some("self" | "super") => {
                while let Some(first) = rest.first() {
                    match first.as_str() {
                        "super" => start = self.modules[start].parent.unwrap_or(start),
                        "self" => {}
                        _ => break,
                    }
                    rest = &rest[1..];
                }
                from_root.clone_from(&self.modules[start].path);
            }
            Some(first) => match self.modules[module].imports.iter().find(|(name, _)| name == first) {
                Some((_, import)) if import.first().is_some_and(|start| start != first) => {
                    return self.absolute(module, &[import.as_slice(), &path[1..]].concat());
                }
                _ => from_root.clone_from(&self.modules[module].path),
            },
            None => {}
        }
        from_root.extend(rest.iter().cloned());
        format!("crate::{}", from_root.join("::"))
    }

    /// Where what a path means is defined.
    fn follow(&self, module: usize, path: &[String], depth: usize) -> Meant {
        let elsewhere = || Meant::Elsewhere(path.to_vec());
        // A circle of `use`, which would not compile.
        if depth > 16 {
            return elsewhere();
        }
        let Some(first) = path.first() else {
            return Meant::Module(module);
        };
        match first.as_str() {
            "crate" => self.below(0, &path[1..], depth),
            "self" => self.below(module, &path[1..], depth),
            "super" => match self.modules[module].parent {
                Some(parent) => self.follow_here(parent, &path[1..], depth),
                None => elsewhere(),
            },
            _ => match self.named(module, path, depth) {
                Some(meant) => meant,
                None => elsewhere(),
            },
        }
    }

    /// After `super`: more of them, or a name there.
    fn follow_here(&self, module: usize, path: &[String], depth: usize) -> Meant {
        if path.first().is_some_and(|first| first == "super") {
            self.follow(module, path, depth + 1)
        } else {
            self.below(module, path, depth)
        }
    }

    /// A path below a module of this crate.
    fn below(&self, module: usize, path: &[String], depth: usize) -> Meant {
        if path.is_empty() {
            return Meant::Module(module);
        }
        self.named(module, path, depth).unwrap_or(Meant::Item(module))
    }

    /// A path that begins with a name of a module: a module in it, an item, or
    /// something that it imports.
    fn named(&self, module: usize, path: &[String], depth: usize) -> Option<Meant> {
        let (first, rest) = path.split_first()?;
        let here = &self.modules[module];
        if let Some(child) = here.children.get(first) {
            return Some(self.below(*child, rest, depth));
        }
        if here.items.contains(first) {
            return Some(Meant::Item(module));
        }
        // In `use a::b`, the name itself is what `a` is looked up for.
        let mut imports = here.imports.iter();
        if let Some((_, import)) = imports.find(|(name, import)| name == first && import.first() != Some(first)) {
            return Some(self.follow(module, &[import.as_slice(), rest].concat(), depth + 1));
        }
        let globs = here.imports.iter().filter(|(name, _)| name == "*");
        globs
            .map(|(_, import)| self.follow(module, import, depth + 1))
            .find_map(|meant| match meant {
                Meant::Module(other) if other != module && depth < 8 => self.named(other, path, depth + 1),
                _ => None,
            })
    }
}

/// What a path means.
enum Meant {
    /// A module of this crate.
    Module(usize),
    /// Something in a module of this crate.
    Item(usize),
    /// Something of another crate, or of the language.
    Elsewhere(Vec<String>),
}

impl Meant {
    /// The module that defines an item. A module alone is only named: what is used of
    /// it is a path of its own.
    fn item(&self) -> Option<usize> {
        match self {
            Self::Item(module) => Some(*module),
            Self::Module(_) | Self::Elsewhere(_) => None,
        }
    }
}

/// When an item is compiled.
#[derive(PartialEq, Eq)]
enum When {
    Always,
    Test,
    Fuzzing,
}

impl When {
    fn of(attributes: &[syn::Attribute]) -> Self {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")) {
            let syn::Meta::List(list) = &attribute.meta else {
                continue;
            };
            let condition = list.tokens.to_string();
            if condition.contains("fuzzing") {
                return Self::Fuzzing;
            }
            if condition == "test" {
                return Self::Test;
            }
        }
        Self::Always
    }
}

/// What stands in an item.
#[derive(Default)]
struct Look {
    imports: Vec<(String, Vec<String>)>,
    paths: Vec<Vec<String>>,
    macros: Vec<String>,
    functions: Vec<(String, usize)>,
}

impl Look {
    fn function(&mut self, name: &syn::Ident, from: proc_macro2::Span, block: &syn::Block) {
        let lines = block.span().end().line + 1 - from.start().line;
        self.functions.push((name.to_string(), lines));
    }

    fn import(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident)),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.import(item, before)),
            syn::UseTree::Glob(_) => {
                self.paths.push(before.to_vec());
                self.imports.push(("*".to_owned(), before.to_vec()));
            }
            syn::UseTree::Name(name) if name.ident == "self" => self.imported(before.last().cloned(), before.to_vec()),
            syn::UseTree::Name(name) => self.imported(Some(name.ident.to_string()), with(&name.ident)),
            syn::UseTree::Rename(rename) if rename.ident == "self" => {
                self.imported(Some(rename.rename.to_string()), before.to_vec());
            }
            syn::UseTree::Rename(rename) => self.imported(Some(rename.rename.to_string()), with(&rename.ident)),
        }
    }

    fn imported(&mut self, name: Option<String>, path: Vec<String>) {
        self.imports.extend(name.map(|name| (name, path.clone())));
        self.paths.push(path);
    }

    /// A macro's arguments: expressions or statements where they can be read so, else words.
    fn tokens(&mut self, called: &syn::Macro) {
        if let Ok(arguments) = called.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated) {
            arguments.iter().for_each(|argument| self.visit_expr(argument));
        } else if let Ok(statements) = called.parse_body_with(syn::Block::parse_within) {
            for statement in statements {
                self.visit_stmt(&statement);
            }
        } else {
            let text = called.tokens.to_string().replace(" :: ", "::");
            let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            let words = text.split(|c: char| !is_name(c)).filter(|word| word.contains("::"));
            let paths = words.map(|word| {
                word.split("::")
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
                    .collect()
            });
            self.paths.extend(paths.filter(|path: &Vec<String>| path.len() > 1));
        }
    }
}

impl<'a> Visit<'a> for Look {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if When::of(attributes(item)) != When::Test {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.import(&item.tree, &[]);
    }

    fn visit_visibility(&mut self, _: &'a syn::Visibility) {
        // `pub(in crate::lint)` uses nothing.
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.segments.len() > 1 {
            self.paths
                .push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_item_macro(&mut self, item: &'a syn::ItemMacro) {
        if item.ident.is_none() {
            return visit::visit_item_macro(self, item);
        }
        // `super` in a definition is that of each place where it is called.
        let mut look = Self::default();
        look.tokens(&item.mac);
        look.paths
            .retain(|path| path.first().is_some_and(|first| first == "crate"));
        self.paths.append(&mut look.paths);
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        self.macros
            .extend(called.path.segments.last().map(|segment| segment.ident.to_string()));
        self.tokens(called);
        visit::visit_macro(self, called);
    }

    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        self.function(&function.sig.ident, function.sig.span(), &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        if When::of(&function.attrs) != When::Test {
            self.function(&function.sig.ident, function.sig.span(), &function.block);
            visit::visit_impl_item_fn(self, function);
        }
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    use syn::Item;
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name_of(item: &syn::Item) -> Option<String> {
    use syn::Item;
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
