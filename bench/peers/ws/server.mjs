/** Rooms over `ws`: one process, one thread, messages stored before they are sent. */

import { WebSocketServer } from 'ws';
import { acknowledge, api, parse, serve } from '../api.mjs';
import { isPost, Store } from '../store.mjs';

const TEXT = { binary: false };
/** Bytes that may wait for a device; one that has more is cut off. */
const MOST_WAITING = 256 << 10;
const rooms = new Map();

const store = new Store(process.env.DATA_DIR, (posts) => {
    const corked = [];
    for (const post of posts) {
        const json = JSON.stringify(post.message);
        if (!post.error) deliver(post, Buffer.from(`{"type":"message","message":${json}}`), corked);
        if (post.response) acknowledge(post, json);
        else if (post.error) post.device.ws.send('{"type":"error","reason":"Not stored"}');
    }
    for (const device of corked) {
        device.corked = false;
        device.socket.uncork();
        if (device.ws.bufferedAmount > MOST_WAITING) device.ws.terminate();
    }
});

/** Everything that one commit brings a device leaves in one write. */
function deliver(post, frame, corked) {
    const own = post.device ? [post.device] : [];
    for (const device of post.repeat ? own : (rooms.get(post.conversation_id) ?? [])) {
        if (!device.corked) {
            device.corked = true;
            device.socket.cork();
            corked.push(device);
        }
        device.ws.send(frame, TEXT);
    }
}

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false, maxPayload: 64 << 10 });
const server = api(store);
server.on('upgrade', (request, socket, head) => {
    const query = new URL(request.url, 'http://localhost').searchParams;
    sockets.handleUpgrade(request, socket, head, (ws) => {
        join({ ws, socket, corked: false }, query.get('user') ?? '', (query.get('rooms') ?? '').split(','));
    });
});

function join(device, user, names) {
    for (const name of names) {
        if (!rooms.has(name)) rooms.set(name, new Set());
        rooms.get(name).add(device);
    }
    device.ws.on('message', (data) => {
        const frame = parse(data);
        if (frame?.type === 'message' && isPost(frame)) {
            const { message_id, conversation_id, content } = frame;
            store.post({ message_id, conversation_id, sender_id: user, content, device });
        } else {
            device.ws.send('{"type":"error","reason":"Not a message"}');
        }
    });
    device.ws.on('error', () => device.ws.terminate());
    device.ws.on('close', () => {
        for (const name of names) {
            rooms.get(name)?.delete(device);
            if (rooms.get(name)?.size === 0) rooms.delete(name);
        }
    });
}

serve(server, store);
