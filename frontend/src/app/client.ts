import { client } from '@/client/client.gen';
import { learnServerTime } from '@/ui/clock';
import { Problem, readProblem } from '@/ui/problem';
import { keep } from './asked';
import { isSandbox } from './config';

/**
 * The one place where requests are dressed: the header that tells our own page from a foreign form, and every failure
 * turned into a `Problem`.
 */
export function setUpClient(): void {
  client.setConfig({ baseUrl: '', credentials: 'same-origin', throwOnError: true });
  client.interceptors.request.use((request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') request.headers.set('X-Tidegate', '1');
    return request;
  });
  if (isSandbox) {
    client.interceptors.request.use(async (request) => {
      await keep(request);
      return request;
    });
  }
  client.interceptors.response.use((response) => {
    learnServerTime(response.headers.get('date'));
    return response;
  });
  client.interceptors.error.use((error: unknown, response: Response | undefined) => {
    if (error instanceof Problem) return error;
    if (!response) return new Problem('no_answer', 0, null, {}, '');
    return readProblem(error, response.status, response.headers.get('x-request-id'));
  });
}
