//! The entry that the harness puts before a package whose exports are judged: it loads the package's own entry and tells, in
//! one marked line, what it exports. So exports are seen of every runtime that can print.

use super::wire::{Answer, Chunk, Mode, Stream};

/// What stands before the marked line; no text of a package does, since nobody knows the nonce beforehand.
fn marker(nonce: &str) -> String {
    format!("adamant-exports-{nonce} ")
}

/// The driver's path and text.
pub(super) fn driver(entry: &str, mode: Mode, nonce: &str) -> (String, String) {
    // The driver stands in the root. A host that puts the package elsewhere has no absolute guest paths.
    let quoted = serde_json::Value::from(format!(".{entry}")).to_string();
    let marker = serde_json::Value::from(marker(nonce)).to_string();
    let show = format!("console.log({marker} + JSON.stringify(describe(loaded, new Set())));");
    match mode {
        Mode::Esm => (
            format!("/adamant-{nonce}.mjs"),
            format!("{DESCRIBE}\nconst loaded = await import({quoted});\n{show}\n"),
        ),
        Mode::Cjs | Mode::Handler => (
            format!("/adamant-{nonce}.cjs"),
            format!("{DESCRIBE}\nconst loaded = require({quoted});\n{show}\n"),
        ),
    }
}

/// A value as JSON: what JSON has stands for itself, the rest is an object with its kind under `$`.
const DESCRIBE: &str = r"const describe = (value, above) => {
  const kind = typeof value;
  if (value === null || kind === 'string' || kind === 'boolean') return value;
  if (kind === 'number') {
    if (Number.isFinite(value) && !Object.is(value, -0)) return value;
    return { $: 'number', value: Object.is(value, -0) ? '-0' : String(value) };
  }
  if (kind === 'undefined') return { $: 'undefined' };
  if (kind === 'bigint' || kind === 'symbol') return { $: kind, value: String(value) };
  if (above.has(value)) return { $: 'circular' };
  const inside = new Set(above).add(value);
  if (kind === 'function') {
    const text = Function.prototype.toString.call(value);
    return { $: /^class\b/.test(text) ? 'class' : 'function', name: String(value.name) };
  }
  if (Array.isArray(value)) return Array.from(value, (item) => describe(item, inside));
  if (value instanceof Error) return { $: 'error', name: String(value.name), message: String(value.message) };
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag !== 'Object' && tag !== 'Module') return { $: tag };
  const shown = {};
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key !== 'string') continue;
    try { shown[key] = describe(value[key], inside); } catch (error) { shown[key] = { $: 'throws', name: String(error && error.name) }; }
  }
  return shown;
};";

/// Takes the marked line out of what was printed; `None` when it is not there.
#[must_use]
pub(crate) fn take_exports(answer: &mut Answer, nonce: &str) -> Option<serde_json::Value> {
    let marker = marker(nonce);
    // A runtime may cut its output anywhere: the line is looked for in the whole stream.
    let whole = answer.text(Stream::Stdout)?;
    let start = whole
        .match_indices(&marker)
        .map(|(at, _)| at)
        .find(|at| *at == 0 || whole[..*at].ends_with('\n'))?;
    let end = whole[start..]
        .find('\n')
        .map_or(whole.len(), |n| start + n + 1);
    let exports = serde_json::from_str(whole[start + marker.len()..end].trim_end()).ok()?;
    let rest = format!("{}{}", &whole[..start], &whole[end..]);
    let stderr = answer.text(Stream::Stderr).unwrap_or_default();
    let chunk = |stream, text| Chunk { stream, text };
    answer.output = Some(vec![
        chunk(Stream::Stdout, rest),
        chunk(Stream::Stderr, stderr),
    ]);
    Some(exports)
}

#[cfg(test)]
mod tests {
    use super::super::wire::Ended;
    use super::*;

    #[test]
    fn the_marked_line_is_taken_out_of_cut_output() {
        let mut answer = Answer::ended(1, Ended::Returned, String::new());
        let parts = ["before\nadamant-exp", "orts-n1 {\"a\":1}\naf", "ter\n"];
        answer.output = Some(
            parts
                .iter()
                .map(|p| Chunk {
                    stream: Stream::Stdout,
                    text: (*p).to_owned(),
                })
                .collect(),
        );
        let exports = take_exports(&mut answer, "n1").expect("the line is there");
        assert_eq!(exports, serde_json::json!({ "a": 1 }));
        assert_eq!(
            answer.text(Stream::Stdout).as_deref(),
            Some("before\nafter\n")
        );
        assert_eq!(take_exports(&mut answer, "n1"), None);
    }
}
