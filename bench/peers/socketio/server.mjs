/** Rooms over Socket.IO, by WebSocket alone: one process, one thread, messages stored before they are sent. */

import { Server } from 'socket.io';
import { acknowledge, api, serve } from '../api.mjs';
import { isPost, Store } from '../store.mjs';

const store = new Store(process.env.DATA_DIR, (posts) => {
    for (const post of posts) {
        const { error, message, repeat, response, socket } = post;
        if (error) socket?.emit('error', 'Not stored');
        else if (repeat) socket?.emit('message', message);
        else io.to(message.conversation_id).emit('message', message);
        if (response) acknowledge(post, JSON.stringify(message));
    }
});

const server = api(store);
const io = new Server(server, {
    transports: ['websocket'],
    perMessageDeflate: false,
    httpCompression: false,
    serveClient: false,
    maxHttpBufferSize: 64 << 10,
});
io.on('connection', (socket) => {
    const { user = '', rooms = '' } = socket.handshake.query;
    socket.join(rooms.split(','));
    // Without the request of the handshake a connection costs less memory: https://socket.io/docs/v4/memory-usage/
    socket.conn.request = null;
    socket.on('message', (body) => {
        if (isPost(body)) {
            const { message_id, conversation_id, content } = body;
            store.post({ message_id, conversation_id, sender_id: user, content, socket });
        } else {
            socket.emit('error', 'Not a message');
        }
    });
});

serve(server, store);
