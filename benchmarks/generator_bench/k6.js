// The same person for k6: PEOPLE of them in all, each on a connection of their own; bodies of answers are dropped.
import http from 'k6/http';

const photo = new Uint8Array(60000).buffer;
const base = __ENV.TARGET;

export const options = {
  discardResponseBodies: true,
  insecureSkipTLSVerify: true,
  noVUConnectionReuse: true,
  scenarios: { people: { executor: 'shared-iterations', vus: 20, iterations: Number(__ENV.PEOPLE), maxDuration: '2m' } },
  thresholds: { http_req_failed: ['rate==0'] },
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
