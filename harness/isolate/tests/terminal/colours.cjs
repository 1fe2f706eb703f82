// How many colours, by what the environment tells.
const { stdout } = process;
const all = [{}, { TERM: 'dumb' }, { TERM: 'xterm' }, { TERM: 'xterm-256color' }, { TERM: 'linux' }, { TERM: 'mosh' }, { TERM: 'vt100' }, { TERM: 'nothing' },
  { TERM: 'screen-256color' }, { TERM: 'xterm-truecolor' }, { TERM: 'Konsole' }, { COLORTERM: '1' }, { COLORTERM: 'truecolor' }, { COLORTERM: '24bit', TERM: 'dumb' },
  { NO_COLOR: '1', TERM: 'xterm' }, { NO_COLOR: '', TERM: 'xterm' }, { NODE_DISABLE_COLORS: '1', TERM: 'xterm' }, { TMUX: '1' }, { CI: '1' }, { CI: '1', TRAVIS: '1' },
  { CI: '', GITHUB_ACTIONS: '1' }, { CI: '1', CI_NAME: 'codeship' }, { TEAMCITY_VERSION: '9.1' }, { TEAMCITY_VERSION: '8.1' }, { TEAMCITY_VERSION: '10.0 (x)' }, { TF_BUILD: '1', AGENT_NAME: 'a' },
  { TERM_PROGRAM: 'iTerm.app' }, { TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '3.0' }, { TERM_PROGRAM: 'Apple_Terminal' }, { TERM_PROGRAM: 'HyperTerm' },
  { FORCE_COLOR: '' }, { FORCE_COLOR: '0' }, { FORCE_COLOR: '1' }, { FORCE_COLOR: '2' }, { FORCE_COLOR: '3' }, { FORCE_COLOR: 'true' }, { FORCE_COLOR: 'yes' }];
for (const env of all) { console.log(JSON.stringify(env), stdout.getColorDepth(env), stdout.hasColors(env), stdout.hasColors(256, env)); }
console.log(stdout.getColorDepth(), process.stderr.hasColors(2 ** 24));
process.removeAllListeners('warning');
process.on('warning', (warning) => console.log(warning.name, warning.message));
console.log(stdout.getColorDepth({ FORCE_COLOR: '2', NO_COLOR: '1' }));
console.log(require('util').styleText('red', 'red'), [1, 'a', null]);
try { stdout.hasColors(1); } catch (e) { console.log(e.code); }
try { stdout.hasColors('a'); } catch (e) { console.log(e.code); }
