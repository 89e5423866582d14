/** The HTTP half: probe, post, history. */

import { createServer } from 'node:http';
import { isPost } from './store.mjs';

const HISTORY = /^\/conversations\/([^/]+)\/messages$/;

/** A server that isn't listening yet. */
export function api(store) {
    return createServer({ noDelay: true, keepAliveTimeout: 65_000 }, (request, response) => {
        const url = new URL(request.url, 'http://localhost');
        const history = HISTORY.exec(url.pathname);
        if (request.method === 'POST' && url.pathname === '/messages') {
            post(store, request, response);
        } else if (request.method === 'GET' && url.pathname === '/health') {
            answer(response, 200, '{"status":"healthy"}');
        } else if (request.method === 'GET' && history) {
            const limit = Math.min(Number(url.searchParams.get('limit')) || 50, 200);
            answer(response, 200, `{"messages":${store.page(history[1], limit)}}`);
        } else {
            answer(response, 404, '{"detail":"Not found"}');
        }
    });
}

function post(store, request, response) {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part) => (body += part));
    request.on('end', () => {
        const { message_id, conversation_id, sender_id, content } = parse(body) ?? {};
        if (isPost({ message_id, conversation_id, content }) && typeof sender_id === 'string') {
            store.post({ message_id, conversation_id, sender_id, content, response });
        } else {
            answer(response, 422, '{"detail":"message_id, conversation_id, sender_id and content are texts"}');
        }
    });
}

/** Answers a post that came here; `json` is its message. */
export function acknowledge({ response, repeat, error }, json) {
    if (error) answer(response, 503, '{"detail":"Not stored"}');
    else answer(response, repeat ? 200 : 201, json);
}

/** The value, or nothing when it isn't JSON. */
export function parse(text) {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

function answer(response, status, json) {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) });
    response.end(json);
}

/** Listens until SIGTERM. */
export function serve(server, store) {
    server.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 4096 }, () => console.log('listening'));
    process.on('SIGTERM', () => {
        store.commit();
        store.db.close();
        process.exit();
    });
}
