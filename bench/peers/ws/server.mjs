/** Rooms over `ws`: one process, one thread, messages stored before they are sent. */

import { WebSocketServer } from 'ws';
import { acknowledge, api, parse, serve } from '../api.mjs';
import { isPost, Store } from '../store.mjs';

const TEXT = { binary: false };
/** Bytes that may wait for a device; one that has more is cut off. */
const MOST_WAITING = 256 << 10;
/** Whether everything that one commit brings a device leaves in one write. */
const COALESCE = process.env.WRITES !== 'plain';
const rooms = new Map();

const store = new Store(process.env.DATA_DIR, (posts) => {
    const touched = [];
    for (const post of posts) {
        const json = JSON.stringify(post.message);
        if (!post.error) deliver(post, Buffer.from(`{"type":"message","message":${json}}`), touched);
        if (post.response) acknowledge(post, json);
        else if (post.error) post.device.ws.send('{"type":"error","reason":"Not stored"}');
    }
    for (const device of touched) {
        device.touched = false;
        if (COALESCE) device.socket.uncork();
        if (device.ws.bufferedAmount > MOST_WAITING) device.ws.terminate();
    }
});

function deliver(post, frame, touched) {
    const own = post.device ? [post.device] : [];
    for (const device of post.repeat ? own : (rooms.get(post.conversation_id) ?? [])) {
        if (!device.touched) {
            device.touched = true;
            touched.push(device);
            if (COALESCE) device.socket.cork();
        }
        device.ws.send(frame, TEXT);
    }
}

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false, maxPayload: 64 << 10 });
const server = api(store);
server.on('upgrade', (request, socket, head) => {
    const query = new URL(request.url, 'http://localhost').searchParams;
    sockets.handleUpgrade(request, socket, head, (ws) => {
        join({ ws, socket, touched: false }, query.get('user') ?? '', (query.get('rooms') ?? '').split(','));
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
