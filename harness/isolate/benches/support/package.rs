//! A function of ten modules that uses the console and the file system, as small services do.

use adamant_modules::MemoryTree;

/// The files: nine modules of code, one of JSON, and a text that is read at run time.
const FILES: &[(&str, &str)] = &[
    ("/package.json", r#"{"name":"shop","version":"1.0.0","main":"index.js"}"#),
    (
        "/index.js",
        "'use strict';
const fs = require('fs');
const path = require('path');
const { route } = require('./lib/router');
const { total } = require('./lib/cart');
const { render } = require('./lib/template');
const log = require('./lib/log');
const greeting = fs.readFileSync(path.join(__dirname, 'data', 'greeting.txt'), 'utf8').trim();
module.exports = async function handler(req, res) {
  log.info('request', req.method, req.path);
  const { name, items } = route(req);
  const sum = await total(items);
  log.info('total', sum);
  res.status(200).json({ text: render('{greeting}, {name}: {sum}', { greeting, name, sum }), files: fs.readdirSync(__dirname) });
};
",
    ),
    (
        "/lib/router.js",
        "'use strict';
const { fail } = require('./errors');
const { parse } = require('./query');
const routes = new Map([['/cart', (req) => ({ name: parse(req.url).name ?? 'nobody', items: req.body.items })]]);
exports.route = (req) => (routes.get(req.path) ?? fail(404))(req);
",
    ),
    (
        "/lib/errors.js",
        "'use strict';
class HttpError extends Error { constructor(status) { super(`HTTP ${status}`); this.status = status; } }
exports.HttpError = HttpError;
exports.fail = (status) => { throw new HttpError(status); };
",
    ),
    (
        "/lib/query.js",
        "'use strict';
exports.parse = (url) => Object.fromEntries((url.split('?')[1] ?? '').split('&').filter(Boolean).map((pair) => pair.split('=').map(decodeURIComponent)));
",
    ),
    (
        "/lib/cart.js",
        "'use strict';
const { priceOf } = require('./prices');
const { round } = require('./money');
exports.total = async (items) => { let sum = 0; for (const { id, count } of items) { sum += (await priceOf(id)) * count; } return round(sum); };
",
    ),
    (
        "/lib/prices.js",
        "'use strict';
const prices = require('./prices.json');
exports.priceOf = async (id) => prices[id] ?? 0;
",
    ),
    ("/lib/prices.json", r#"{"apple":0.45,"bread":2.8,"coffee":5.99,"milk":1.19}"#),
    (
        "/lib/money.js",
        "'use strict';
exports.round = (amount) => Math.round(amount * 100) / 100;
",
    ),
    (
        "/lib/template.js",
        "'use strict';
exports.render = (text, values) => text.replace(/\\{(\\w+)\\}/g, (_, name) => String(values[name]));
",
    ),
    (
        "/lib/log.js",
        "'use strict';
exports.info = (...words) => console.log('[%s]', 'shop', ...words);
",
    ),
    ("/data/greeting.txt", "Good morning\n"),
];

/// What the handler answers to [`request`].
pub(crate) const ANSWER: &str =
    r#"{"text":"Good morning, Ada: 8.49","files":["data","index.js","lib","package.json"]}"#;

/// What it prints.
pub(crate) const PRINTED: &str = "[shop] request POST /cart\n[shop] total 8.49\n";

/// The package's files.
pub(crate) fn files() -> MemoryTree {
    FILES.iter().fold(MemoryTree::new(), |tree, (path, text)| {
        tree.file(path, text.as_bytes())
    })
}

/// The `req` of the handler.
pub(crate) fn request() -> serde_json::Value {
    serde_json::json!({
        "method": "POST",
        "url": "/cart?name=Ada",
        "headers": { "host": "shop.example", "content-type": "application/json" },
        "body": { "items": [{ "id": "apple", "count": 1 }, { "id": "bread", "count": 2 }, { "id": "milk", "count": 2.05 }] },
    })
}
