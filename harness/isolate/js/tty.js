// The `tty` module: nothing here is a terminal.
'use strict';

const net = require('net');
const { refuseClass } = require('internal/refuse');

exports.isatty = function isatty() {
  return false;
};
exports.ReadStream = refuseClass('tty', 'ReadStream', 'TTY', net.Socket);
exports.WriteStream = refuseClass('tty', 'WriteStream', 'TTY', net.Socket);
