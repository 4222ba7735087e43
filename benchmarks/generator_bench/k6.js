// The same person for k6: PEOPLE of them in all, each on a connection of their own; bodies of answers are dropped. They come as fast as 20
// can, or PER_SECOND of them as ours do, on time whatever became of those before.
import http from 'k6/http';

const photo = new Uint8Array(60000).buffer;
const base = __ENV.TARGET;
const people = Number(__ENV.PEOPLE);
const perSecond = Number(__ENV.PER_SECOND || 0);
const flatOut = { executor: 'shared-iterations', vus: 20, iterations: people, maxDuration: '2m' };
const onTime = {
  executor: 'constant-arrival-rate',
  rate: perSecond,
  timeUnit: '1s',
  duration: `${Math.round((people * 1000) / perSecond)}ms`,
  preAllocatedVUs: 20,
  maxVUs: 50,
};

export const options = {
  discardResponseBodies: true,
  insecureSkipTLSVerify: true,
  noVUConnectionReuse: true,
  scenarios: { people: perSecond ? onTime : flatOut },
  thresholds: { http_req_failed: ['rate==0'], iterations: [`count>=${people - 1}`] },
};

export default function () {
  for (let i = 0; i < 12; i++) {
    if (i % 2) {
      http.get(`${base}/api/v1/things/${i}`, { tags: { name: `look-${i}` } });
    } else {
      const body = JSON.stringify({ name: 'Ombak Samudera', email: `pendaftar.${__VU}.${__ITER}@warga.example`, password: '0123456789abcdef' });
      http.post(`${base}/api/v1/things/${i}`, body, { headers: { 'Content-Type': 'application/json' }, tags: { name: `say-${i}` } });
    }
  }
  for (const kind of ['ktp', 'selfie']) {
    http.post(`${base}/api/v1/photos/${kind}`, { photo: http.file(photo, `${kind}.jpg`, 'image/jpeg') }, { tags: { name: kind } });
  }
}
