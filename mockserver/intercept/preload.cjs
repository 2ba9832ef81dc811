// Leads a Node program's connections to the emulated hosts to the emulator, whichever client it uses.
//
// Node 20 knows no HTTPS_PROXY, and its built-in fetch cannot be given a proxy from outside. All its clients
// (http, https, fetch, axios, got) open sockets by net.Socket.connect, so that is the one place to act. The
// program's TLS goes on to check the certificate against the name that it asked for.
'use strict';

const net = require('node:net');

const { hosts, ports } = JSON.parse(process.env.MOCKSERVER_NODE || '{"hosts": [], "ports": {}}');
const emulated = new Set(hosts);
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...args) {
  // net.connect and tls.connect hand over [options, callback] in one array
  const [options, callback] = Array.isArray(args[0]) ? args[0] : named(args);
  const host = String(options.host || 'localhost').toLowerCase();
  const port = ports[options.port];
  if (options.path || !port || LOOPBACK.test(host)) return connect.apply(this, args);
  if (emulated.has(host)) {
    return connect.call(this, { ...options, host: '127.0.0.1', port, lookup: undefined }, callback);
  }
  const message = `${host} is not emulated, and mockserver passes nothing on to other hosts`;
  process.nextTick(() => this.destroy(Object.assign(new Error(message), { code: 'EHOSTUNREACH' })));
  return this;
};

function named(args) {
  const callback = args.findLast((arg) => typeof arg === 'function');
  if (args[0] !== null && typeof args[0] === 'object') return [args[0], callback];
  if (typeof args[0] === 'string' && !/^\d+$/.test(args[0])) return [{ path: args[0] }, callback];
  return [{ port: args[0], host: typeof args[1] === 'string' ? args[1] : undefined }, callback];
}
