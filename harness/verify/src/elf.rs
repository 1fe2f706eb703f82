//! What an ELF file needs and what it offers, as the dynamic loader reads it.

use std::collections::BTreeSet;

use object::elf as raw;
use object::read::elf::{
    Dyn as _, FileHeader, ProgramHeader as _, Rel as _, Rela as _, SectionHeader as _,
    SectionTable, Sym as _, SymbolTable, VersionTable,
};
use object::{Endianness, FileKind, StringTable, SymbolIndex};

/// The most entries that are taken from any table of a file.
const MOST: usize = 1 << 20;

/// A file of the Executable and Linking Format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Elf {
    /// `e_machine`.
    pub(crate) machine: u16,
    /// Whether it is a 64-bit file.
    pub(crate) is_64: bool,
    /// The loader that it names (`PT_INTERP`).
    pub(crate) interpreter: Option<String>,
    /// Whether it has a dynamic segment.
    pub(crate) is_dynamic: bool,
    /// `DT_SONAME`.
    pub(crate) soname: Option<String>,
    /// `DT_NEEDED`, in order.
    pub(crate) needed: Vec<String>,
    /// `DT_RPATH`, split.
    pub(crate) rpath: Vec<String>,
    /// `DT_RUNPATH`, split.
    pub(crate) runpath: Vec<String>,
    /// Whether every symbol is bound when it is loaded.
    pub(crate) bind_now: bool,
    /// The symbols that it offers, mangled.
    pub(crate) exports: BTreeSet<String>,
    /// The symbols that must be found when it is loaded, in the order in which the loader comes to them.
    pub(crate) at_load: Vec<String>,
    /// The functions that must be found when they are first called.
    pub(crate) when_called: Vec<String>,
    /// The versions that it needs, by the library that has them; weak ones left out.
    pub(crate) versions_needed: Vec<(String, String)>,
    /// The versions that it defines.
    pub(crate) versions: BTreeSet<String>,
    /// The `NODE_MODULE_VERSION` that an addon says it was made for in its data, when the symbol tables show where that is.
    pub(crate) module_version: Option<u32>,
}

impl Elf {
    /// The machine as OCI spells it, when it is one that it knows.
    #[must_use]
    pub(crate) fn architecture(&self) -> Option<&'static str> {
        Some(match self.machine {
            62 => "amd64",
            183 => "arm64",
            3 => "386",
            40 => "arm",
            21 => "ppc64le",
            22 => "s390x",
            243 => "riscv64",
            258 => "loong64",
            _ => return None,
        })
    }
}

/// Whether bytes begin as an ELF file does.
pub(crate) fn is_elf(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
}

/// Reads a file; the error says what is wrong with it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Elf, String> {
    let told = |error: object::Error| format!("it is not a well-formed ELF file: {error}");
    match FileKind::parse(bytes).map_err(told)? {
        FileKind::Elf32 => read::<raw::FileHeader32<Endianness>>(bytes).map_err(told),
        FileKind::Elf64 => read::<raw::FileHeader64<Endianness>>(bytes).map_err(told),
        _ => Err("it is not an ELF file".to_owned()),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> object::Result<Elf> {
    let header = H::parse(bytes)?;
    let endian = header.endian()?;
    let mut elf = Elf {
        machine: header.e_machine(endian),
        is_64: header.is_type_64(),
        ..Elf::default()
    };
    let mut relocations = Relocations::default();
    for segment in header.program_headers(endian, bytes)? {
        if let Some(interpreter) = segment.interpreter(endian, bytes)? {
            elf.interpreter = Some(text(interpreter));
        }
        if let Some(dynamic) = segment.dynamic(endian, bytes)? {
            elf.is_dynamic = true;
            dynamic_segment(header, endian, bytes, dynamic, &mut elf, &mut relocations)?;
        }
    }
    let sections = header.sections(endian, bytes)?;
    let symbols = sections.symbols(endian, bytes, raw::SHT_DYNSYM)?;
    let versions = sections.versions(endian, bytes)?;
    version_tables(endian, bytes, &sections, &mut elf)?;
    dynamic_symbols(endian, &symbols, versions.as_ref(), &mut elf);
    bound_symbols(endian, bytes, &sections, &symbols, relocations, &mut elf)?;
    elf.module_version = module_version(endian, bytes, &sections)?;
    Ok(elf)
}

/// Where the two tables of relocations begin.
#[derive(Default, Clone, Copy)]
struct Relocations {
    at_load: u64,
    when_called: u64,
}

fn dynamic_segment<H: FileHeader<Endian = Endianness>>(
    header: &H,
    endian: Endianness,
    bytes: &[u8],
    dynamic: &[H::Dyn],
    elf: &mut Elf,
    relocations: &mut Relocations,
) -> object::Result<()> {
    let (mut strings, mut size) = (0, 0);
    for entry in dynamic.iter().take(MOST) {
        let value = entry.d_val(endian).into();
        match i64::from(entry.tag32(endian).unwrap_or(0)) {
            raw::DT_STRTAB => strings = value,
            raw::DT_STRSZ => size = value,
            raw::DT_RELA | raw::DT_REL => relocations.at_load = value,
            raw::DT_JMPREL => relocations.when_called = value,
            raw::DT_BIND_NOW => elf.bind_now = true,
            raw::DT_FLAGS => {
                elf.bind_now |= value & u64::from(raw::DF_BIND_NOW) != 0;
            }
            raw::DT_FLAGS_1 => elf.bind_now |= value & u64::from(raw::DF_1_NOW) != 0,
            _ => {}
        }
    }
    let Some(start) = offset(header, endian, bytes, strings)? else {
        return Ok(());
    };
    let table = StringTable::new(bytes, start, start.saturating_add(size));
    for entry in dynamic.iter().take(MOST) {
        let string = || {
            let at = u32::try_from(entry.d_val(endian).into()).ok()?;
            table.get(at).ok().map(text)
        };
        let paths = || -> Vec<String> {
            let all = string().unwrap_or_default();
            let paths = all.split(':').filter(|path| !path.is_empty());
            paths.map(str::to_owned).collect()
        };
        match i64::from(entry.tag32(endian).unwrap_or(0)) {
            raw::DT_NEEDED => elf.needed.extend(string()),
            raw::DT_SONAME => elf.soname = string(),
            raw::DT_RPATH => elf.rpath = paths(),
            raw::DT_RUNPATH => elf.runpath = paths(),
            _ => {}
        }
    }
    Ok(())
}

/// Where an address of memory stands in the file.
fn offset<H: FileHeader<Endian = Endianness>>(
    header: &H,
    endian: Endianness,
    bytes: &[u8],
    address: u64,
) -> object::Result<Option<u64>> {
    for segment in header.program_headers(endian, bytes)? {
        let (start, size): (u64, u64) = (
            segment.p_vaddr(endian).into(),
            segment.p_filesz(endian).into(),
        );
        if segment.p_type(endian) == raw::PT_LOAD
            && let Some(inside) = address.checked_sub(start)
            && inside < size
        {
            let from: u64 = segment.p_offset(endian).into();
            return Ok(from.checked_add(inside));
        }
    }
    Ok(None)
}

fn version_tables<H: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    bytes: &[u8],
    sections: &SectionTable<'_, H>,
    elf: &mut Elf,
) -> object::Result<()> {
    if let Some((mut needs, link)) = sections.gnu_verneed(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        let mut count = 0;
        while let Some((need, mut parts)) = needs.next()? {
            let file = text(need.file(endian, strings)?);
            while let Some(part) = parts.next()? {
                let weak = part.vna_flags.get(endian) & raw::VER_FLG_WEAK != 0;
                if !weak {
                    let version = text(part.name(endian, strings)?);
                    elf.versions_needed.push((file.clone(), version));
                }
                count += 1;
                if count > MOST {
                    return Ok(());
                }
            }
        }
    }
    if let Some((mut definitions, link)) = sections.gnu_verdef(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        while let Some((_, mut names)) = definitions.next()? {
            // The first name is the version's own, the others are its parents.
            if let Some(name) = names.next()? {
                elf.versions.insert(text(name.name(endian, strings)?));
            }
            if elf.versions.len() > MOST {
                break;
            }
        }
    }
    Ok(())
}

fn dynamic_symbols<H: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    symbols: &SymbolTable<'_, H>,
    versions: Option<&VersionTable<'_, H>>,
    elf: &mut Elf,
) {
    for (index, symbol) in symbols.enumerate().take(MOST) {
        let local = symbol.st_bind() == raw::STB_LOCAL;
        if symbol.is_undefined(endian) || local {
            continue;
        }
        // A hidden version serves old binaries only, yet it is found by those who ask for it.
        let named_version = versions.is_some_and(|versions| {
            versions.version_index(endian, index).index() == raw::VER_NDX_LOCAL
        });
        if let Ok(name) = symbols.symbol_name(endian, symbol)
            && !named_version
        {
            elf.exports.insert(text(name));
        }
    }
}

/// Which undefined symbols are bound when, by the relocations that name them.
fn bound_symbols<H: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    bytes: &[u8],
    sections: &SectionTable<'_, H>,
    symbols: &SymbolTable<'_, H>,
    tables: Relocations,
    elf: &mut Elf,
) -> object::Result<()> {
    let mut seen = BTreeSet::new();
    let mut wanted = |index: Option<SymbolIndex>| -> Option<String> {
        let index = index?;
        if !seen.insert(index.0) {
            return None;
        }
        let symbol = symbols.symbol(index).ok()?;
        if !symbol.is_undefined(endian) || symbol.st_bind() == raw::STB_WEAK {
            return None;
        }
        let name = symbols.symbol_name(endian, symbol).ok()?;
        (!name.is_empty()).then(|| text(name))
    };
    // The loader goes through the data first, and through the functions only when it binds them at once.
    for lazy in [false, true] {
        for section in sections.iter() {
            let address: u64 = section.sh_addr(endian).into();
            if address == 0 || (address == tables.when_called) != lazy {
                continue;
            }
            let mut indices: Vec<Option<SymbolIndex>> = Vec::new();
            if let Some((rela, _)) = section.rela(endian, bytes)? {
                indices.extend(rela.iter().take(MOST).map(|r| r.symbol(endian, false)));
            }
            if let Some((rel, _)) = section.rel(endian, bytes)? {
                indices.extend(rel.iter().take(MOST).map(|r| r.symbol(endian)));
            }
            let names = indices.into_iter().filter_map(&mut wanted);
            if lazy && !elf.bind_now {
                elf.when_called.extend(names);
            } else {
                elf.at_load.extend(names);
            }
        }
    }
    Ok(())
}

/// The first number of a `node::node_module`, which the macro `NODE_MODULE` calls `_module`.
fn module_version<H: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    bytes: &[u8],
    sections: &SectionTable<'_, H>,
) -> object::Result<Option<u32>> {
    let symbols = sections.symbols(endian, bytes, raw::SHT_SYMTAB)?;
    for (_, symbol) in symbols.enumerate().take(MOST) {
        let name = symbols.symbol_name(endian, symbol).unwrap_or_default();
        if !matches!(name, b"_module" | b"_ZL7_module") || symbol.is_undefined(endian) {
            continue;
        }
        let section = symbol.st_shndx(endian);
        let section = sections.section(object::SectionIndex(usize::from(section)))?;
        let value: u64 = symbol.st_value(endian).into();
        let (address, start): (u64, u64) = (
            section.sh_addr(endian).into(),
            section.sh_offset(endian).into(),
        );
        let at = value
            .checked_sub(address)
            .and_then(|at| at.checked_add(start));
        let at = at.and_then(|at| usize::try_from(at).ok());
        let number = at.and_then(|at| bytes.get(at..at.checked_add(4)?));
        // Only what little-endian machines run is published with addons.
        let number = number.and_then(|four| Some(u32::from_le_bytes(four.try_into().ok()?)));
        return Ok(number.filter(|n| (40..1000).contains(n)));
    }
    Ok(None)
}

/// A C++ name for people; a C name as it is.
pub(crate) fn demangle(name: &str) -> String {
    let options = cpp_demangle::DemangleOptions::new()
        .no_params()
        .no_return_type();
    // A symbol is not bounded by anything; a person reads no name of that length.
    if !name.starts_with("_Z") || name.len() > 4096 {
        return name.to_owned();
    }
    cpp_demangle::Symbol::new(name)
        .ok()
        .and_then(|symbol| symbol.demangle_with_options(&options).ok())
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_an_elf_file() {
        let own = std::env::current_exe().expect("a path");
        let elf = parse(&fs_err::read(own).expect("reads")).expect("parses");
        assert!(elf.is_dynamic && elf.interpreter.is_some());
        assert!(elf.needed.iter().any(|name| name.starts_with("libc.")));
        assert!(
            elf.at_load
                .iter()
                .chain(&elf.when_called)
                .any(|s| s == "malloc")
        );
        assert!(
            elf.versions_needed
                .iter()
                .any(|(file, v)| file == "libc.so.6" && v.starts_with("GLIBC_2."))
        );
    }

    #[test]
    fn names_are_for_people() {
        assert_eq!(
            demangle("_ZN2v815ValueSerializer8Delegate19HasCustomHostObjectEPNS_7IsolateE"),
            "v8::ValueSerializer::Delegate::HasCustomHostObject"
        );
        assert_eq!(demangle("napi_create_object"), "napi_create_object");
        assert_eq!(demangle("_Z\u{0}"), "_Z\u{0}");
    }

    #[test]
    fn what_is_no_elf_file_is_refused() {
        for bytes in [&b""[..], b"\x7fELF", b"#!/bin/sh\n", &[0x7f; 200]] {
            assert!(parse(bytes).is_err());
        }
    }
}
