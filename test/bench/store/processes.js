// Processor time and memory of processes of this machine, from /proc.
'use strict';

const fs = require('node:fs');

const lines = (file) => { try { return fs.readFileSync(file, 'latin1'); } catch { return ''; } };

// Processor time of a process with its threads in ms. Threads that ended are not in it.
function cpuOf(pid) {
  let ns = 0;
  try {
    for (const thread of fs.readdirSync(`/proc/${pid}/task`)) ns += Number(lines(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]);
  } catch { /* it ended */ }
  return ns / 1e6;
}

const cpuOfAll = (pids) => pids.reduce((sum, pid) => sum + cpuOf(pid), 0);

// What a process has for itself in MB: without the server's shared memory, which each backend is charged with.
function memoryOf(pid) {
  const status = lines(`/proc/${pid}/status`);
  const field = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
  return (field('RssAnon') + field('RssFile')) / 1024;
}

// Watches processes until stop(), which answers the most that one of them had.
function watchMemory(pidsOf) {
  let most = 0;
  const look = () => { for (const pid of pidsOf()) most = Math.max(most, memoryOf(pid)); };
  const timer = setInterval(look, 25);
  return { stop: () => { look(); clearInterval(timer); return most; } };
}

module.exports = { cpuOf, cpuOfAll, watchMemory };
