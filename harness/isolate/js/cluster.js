// The `cluster` module: this is the primary, and it forks nothing.
'use strict';

const EventEmitter = require('events');
const { refuseClass, refuseFunctions } = require('internal/refuse');

const cluster = new EventEmitter();
module.exports = cluster;

cluster.isWorker = false;
cluster.isMaster = true;
cluster.isPrimary = true;
cluster.Worker = refuseClass('cluster', 'Worker', 'ChildProcess', EventEmitter);
cluster.workers = {};
cluster.settings = {};
cluster.SCHED_NONE = 1;
cluster.SCHED_RR = 2;
cluster.schedulingPolicy = 2;
refuseFunctions(cluster, 'cluster', 'ChildProcess', ['setupPrimary', 'setupMaster', 'fork', 'disconnect']);
