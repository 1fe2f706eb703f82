// Fills in, with --expose-internals, what Node 24 answers to the questions of a data file: builds the tree in a temporary
// directory, asks, and writes the answers with that directory cut out of every path. Usage: resolution.cjs FILE...
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { createRequire } = require('node:module');

// The properties that a guest can see on an error.
const PROPERTIES = ['code', 'url', 'requireStack', 'path', 'requestPath', 'input', 'module'];

function describe(error) {
  const answer = { name: error.name, message: error.message };
  for (const key of PROPERTIES) if (error[key] !== undefined) answer[key] = error[key];
  return { error: answer };
}

// Absolute paths are inside the root.
function place(root, name) {
  return /^\/(?!\/)/.test(name) ? root + name : name;
}

function answerImport(root, [parent, asked]) {
  const specifier = place(root, asked);
  const { defaultResolve } = require('internal/modules/esm/resolve');
  const { defaultLoadSync, throwUnknownModuleFormat } = require('internal/modules/esm/load');
  const { pathToFileURL } = require('node:url');
  const parentURL = parent.includes(':') ? parent : pathToFileURL(root + parent).href;
  try {
    const { url, format } = defaultResolve(specifier, { parentURL });
    if (url.startsWith('node:')) {
      if (!require('node:module').isBuiltin(url)) throw new (require('internal/errors').codes.ERR_UNKNOWN_BUILTIN_MODULE)(url);
      return { url };
    }
    const importAttributes = format === 'json' || url.startsWith('data:application/json') ? { type: 'json' } : {};
    const loaded = defaultLoadSync(url, { format, importAttributes });
    if (url.startsWith('data:') && loaded.format == null) throwUnknownModuleFormat(url, loaded.format);
    // An ambiguous file has no format before it is read.
    return { url, format: url.startsWith('data:') ? loaded.format : format ?? null };
  } catch (error) {
    return describe(error);
  }
}

function answerRequire(root, [parent, asked, options]) {
  const specifier = place(root, asked);
  if (parent.includes(':')) return null;
  try {
    const paths = options?.paths?.map((start) => place(root, start));
    return { path: createRequire(root + parent).resolve(specifier, paths && { paths }) };
  } catch (error) {
    return describe(error);
  }
}

// One process for each way of asking: Node remembers what it warned about.
function ask(mode) {
  const { root, questions } = JSON.parse(fs.readFileSync(0, 'utf8'));
  process.chdir(root);
  const answer = mode === 'import' ? answerImport : answerRequire;
  const answers = questions.map((question) => {
    const warnings = [];
    process.emitWarning = (message, type, code) => warnings.push([code, message]);
    const result = answer(root, question);
    return result && (warnings.length ? { ...result, warnings } : result);
  });
  process.stdout.write(JSON.stringify(answers).replaceAll(`file://${root}/`, 'file:///').replaceAll(`${root}/`, '/'));
}

function build(root, { files, links = {} }) {
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(root + name), { recursive: true });
    fs.writeFileSync(root + name, typeof content === 'string' ? content : JSON.stringify(content));
  }
  for (const [name, target] of Object.entries(links)) {
    fs.mkdirSync(path.dirname(root + name), { recursive: true });
    fs.symlinkSync(target.startsWith('/') ? root + target : target, root + name);
  }
}

function fill(file) {
  const data = JSON.parse(fs.readFileSync(file, 'utf8'));
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'resolution-')));
  build(root, data);
  const input = JSON.stringify({ root, questions: data.questions });
  for (const mode of ['import', 'require']) {
    const run = spawnSync(process.execPath, ['--expose-internals', '--no-warnings', __filename, `--${mode}`], { input });
    if (run.status !== 0) throw new Error(`${file}: ${run.stderr}`);
    data[mode] = JSON.parse(run.stdout);
  }
  fs.rmSync(root, { recursive: true });
  const lines = (list) => `[\n    ${list.map((item) => JSON.stringify(item)).join(',\n    ')}\n  ]`;
  const entries = (map) => `{\n    ${Object.entries(map).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(',\n    ')}\n  }`;
  fs.writeFileSync(file, `{\n  "files": ${entries(data.files)},\n  "links": ${entries(data.links ?? {})},\n` +
    `  "questions": ${lines(data.questions)},\n  "import": ${lines(data.import)},\n  "require": ${lines(data.require)}\n}\n`);
}

const arguments_ = process.argv.slice(2);
if (arguments_[0] === '--import') ask('import');
else if (arguments_[0] === '--require') ask('require');
else arguments_.forEach(fill);
