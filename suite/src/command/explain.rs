//! `adamant explain CODE…`: what a finding means, where it comes from and how to fix it; without a code, the list of all.

use std::io::Write as _;

use adamant_core::case::nearest;
use adamant_core::explain::{self, Page};

use super::{Done, Failure};
use crate::{exit, standard};

/// Explains each word: a finding's code, a family of codes, a spec or a case.
pub fn run(words: &[String]) -> Done {
    let mut out = std::io::stdout().lock();
    if words.is_empty() {
        let widest = explain::pages()
            .map(|p| p.code.len())
            .max()
            .unwrap_or_default();
        for page in explain::pages() {
            writeln!(out, "{:<widest$}  {}", page.code, page.title).map_err(Failure::broken)?;
        }
        return Ok(exit::HELD);
    }
    // Every word is looked up before anything is printed: half an answer looks like a whole one in a pipe.
    let texts: Vec<String> = words.iter().map(|w| text(w)).collect::<Result<_, _>>()?;
    write!(out, "{}", texts.join("\n")).map_err(Failure::broken)?;
    Ok(exit::HELD)
}

fn text(word: &str) -> Result<String, Failure> {
    let family = format!("{word}/");
    let about: Vec<String> = explain::pages()
        .filter(|p| p.code == word || p.code.starts_with(&family))
        .map(|p| finding(&p))
        .collect();
    if !about.is_empty() {
        return Ok(about.join("\n"));
    }
    let cases = standard::cases()?;
    let about: Vec<String> = cases
        .iter()
        .filter(|c| c.case.spec == word || c.id == word || c.stem() == word)
        .map(|c| {
            let (case, path) = (&c.case, c.path.display());
            let clauses = case.clauses.join(", ");
            format!(
                "{} {}\n  {} ({clauses})\n  fix    {}\n  case   {path}\n",
                case.spec,
                c.stem(),
                case.about.trim(),
                case.fix.trim()
            )
        })
        .collect();
    if !about.is_empty() {
        return Ok(about.join("\n"));
    }
    let specs: Vec<&str> = cases.iter().map(|c| c.case.spec.as_str()).collect();
    let known = explain::pages().map(|p| p.code).chain(specs);
    let mut failure = Failure::input(format!("nothing is known by the name `{word}`"));
    failure.hint = Some(nearest(word, known).map_or_else(
        || "`adamant explain` lists every code".into(),
        |near| format!("did you mean `{near}`? `adamant explain` lists every code"),
    ));
    Err(failure)
}

fn finding(page: &Page<'_>) -> String {
    format!(
        "{}\n  {} ({})\n  cause  {}\n  fix    {}\n",
        page.code, page.title, page.clause, page.cause, page.fix
    )
}
