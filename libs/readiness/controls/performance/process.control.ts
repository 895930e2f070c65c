import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { failed, minutes, notApplicable, seconds, unknown, verified, type Control } from '../../control.js';
import { slopePerHour } from '../../vitals.js';

const MOST_MEMORY = 0.8;
/** Ten minutes, a sample every ten seconds. */
const ENOUGH_MEMORY_SAMPLES = 60;
const MOST_DELAY = 100;
const MOST_UTILIZATION = 0.8;
const ENOUGH_LOOP_SAMPLES = 6;

const megabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MB`;

/** The container's limit, or the machine's memory where there is none. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem();
}

/** There is room, and at this pace there will be for a day. */
export const memory: Control = {
  id: 'performance.opt.memory',
  kind: 'probe',
  timeout: seconds(1),
  interval: minutes(1),
  async verify({ vitals }) {
    const latest = vitals.memory.at(-1);
    if (!latest) return unknown('no sample yet', 'ten minutes of samples');
    const limit = memoryLimit();
    const heapLimit = getHeapStatistics().heap_size_limit;
    const seen = `RSS ${megabytes(latest.rss)} of ${megabytes(limit)}, heap ${megabytes(latest.heap)} of ${megabytes(heapLimit)}`;
    if (latest.rss > limit * MOST_MEMORY || latest.heap > heapLimit * MOST_MEMORY) {
      return failed(
        `at most ${MOST_MEMORY * 100} % of either limit`,
        seen,
        'raise the memory limit of the container (and --max-old-space-size)',
      );
    }
    if (vitals.memory.length < ENOUGH_MEMORY_SAMPLES)
      return unknown(seen, 'ten minutes of samples for the slope');
    const slope = slopePerHour(vitals.memory, ({ rss }) => rss);
    const pace = `${seen}; slope ${megabytes(slope)} per hour`;
    if (latest.rss + slope * 24 > limit) {
      return failed(
        'the limit not reached within a day at this pace',
        pace,
        'look for a leak: node --heapsnapshot-signal=SIGUSR2',
      );
    }
    return verified(pace);
  },
};

/** The process answers without making others wait. */
export const cpu: Control = {
  id: 'performance.opt.cpu',
  kind: 'probe',
  timeout: seconds(1),
  interval: minutes(1),
  async verify({ vitals }) {
    if (vitals.loop.length < ENOUGH_LOOP_SAMPLES)
      return unknown(`${vitals.loop.length} samples`, 'a minute of samples');
    const delay = Math.max(...vitals.loop.map(({ delayP99 }) => delayP99));
    const utilization = vitals.loop.reduce((sum, sample) => sum + sample.utilization, 0) / vitals.loop.length;
    const seen = `event-loop delay p99 ${delay.toFixed(1)} ms, utilization ${(utilization * 100).toFixed(0)} %`;
    if (delay > MOST_DELAY || utilization > MOST_UTILIZATION) {
      return failed(
        `delay p99 ≤ ${MOST_DELAY} ms and utilization ≤ ${MOST_UTILIZATION * 100} %`,
        seen,
        'run more instances, or look for a busy loop: node --cpu-prof',
      );
    }
    return verified(`${seen} over ${vitals.loop.length * 10} s`);
  },
};

/** Only Kubernetes scales by itself, and says that it is there. */
export const autoScaling: Control = {
  id: 'performance.scale.auto-scaling',
  kind: 'probe',
  timeout: seconds(1),
  interval: minutes(60),
  async verify({ env }) {
    if (!env['KUBERNETES_SERVICE_HOST'])
      return notApplicable('not on Kubernetes: KUBERNETES_SERVICE_HOST is not set');
    return unknown('on Kubernetes', 'a HorizontalPodAutoscaler that targets this deployment, with min < max');
  },
};
