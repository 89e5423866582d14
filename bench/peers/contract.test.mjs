/** What the load generator relies on, asked of every peer alike: node --test bench/peers/contract.test.mjs */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { WebSocket } from 'ws';

const START = new URL('start.sh', import.meta.url).pathname;

/** How a client speaks over a WebSocket. */
const plain = {
    path: (user, rooms) => `/ws?user=${user}&rooms=${rooms}`,
    greet: async () => {},
    encode: (post) => JSON.stringify({ type: 'message', ...post }),
    decode: (text) => JSON.parse(text).message,
};
/** Socket.IO's protocol 5 in Engine.IO's 4: https://socket.io/docs/v4/socket-io-protocol/ */
const socketio = {
    path: (user, rooms) => `/socket.io/?EIO=4&transport=websocket&user=${user}&rooms=${rooms}`,
    greet: async (device) => {
        assert.match(await device.next(), /^0\{/);
        device.socket.send('40');
        assert.match(await device.next(), /^40\{/);
    },
    encode: (post) => `42${JSON.stringify(['message', post])}`,
    decode: (text) => JSON.parse(text.slice(2))[1],
};

async function freePort() {
    const server = createServer();
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address();
    await new Promise((closed) => server.close(closed));
    return port;
}

/** Starts a peer, hands its address to `use`, and has it end. */
async function running(name, folder, use) {
    const port = await freePort();
    const peer = spawn(START, [name, port, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => peer.on('close', (code, signal) => resolve({ code, signal })));
    try {
        let printed = '';
        await new Promise((ready, failed) => {
            peer.stdout.on('data', (text) => (printed += text) === 'listening\n' && ready());
            peer.on('close', () => failed(new Error(`${name} printed: ${printed}`)));
        });
        await use(`127.0.0.1:${port}`);
    } finally {
        peer.kill('SIGTERM');
        const { code, signal } = await ended;
        assert.ok(code === 0 || signal === 'SIGTERM', `${name} ended with ${code ?? signal}`);
    }
}

class Device {
    #frames = [];
    #wanted = [];

    static async open(address, dialect, user, rooms) {
        const device = new Device();
        device.dialect = dialect;
        device.socket = new WebSocket(`ws://${address}${dialect.path(user, rooms.join(','))}`);
        device.socket.on('message', (data) => {
            const wanted = device.#wanted.shift();
            if (wanted) wanted(String(data));
            else device.#frames.push(String(data));
        });
        await new Promise((opened, failed) => device.socket.on('open', opened).on('error', failed));
        await dialect.greet(device);
        return device;
    }

    next() {
        return this.#frames.length ? this.#frames.shift() : new Promise((wanted) => this.#wanted.push(wanted));
    }

    async hear() {
        return this.dialect.decode(await this.next());
    }

    say(message_id, conversation_id, content) {
        this.socket.send(this.dialect.encode({ message_id, conversation_id, content }));
    }
}

const post = (address, body) => fetch(`http://${address}/messages`, { method: 'POST', body: JSON.stringify(body) });
const history = async (address, room, limit) => (await fetch(`http://${address}/conversations/${room}/messages?limit=${limit}`)).json();

for (const [name, dialect, stores] of [
    ['ws', plain, true],
    ['ws-plain', plain, true],
    ['socketio', socketio, true],
    ['bare', plain, false],
]) {
    describe(name, { timeout: 20_000 }, () => {
        const folder = mkdtempSync(join(tmpdir(), 'peer-'));

        test('speaks as agreed', () =>
            running(name, folder, async (address) => {
                assert.equal((await fetch(`http://${address}/health`)).status, 200);
                assert.equal((await fetch(`http://${address}/nowhere`)).status, 404);
                const ann = await Device.open(address, dialect, 'ann', ['one', 'two']);
                const bob = await Device.open(address, dialect, 'bob', ['one']);

                ann.say('a', 'one', 'hello "you" ☃');
                const [own, message] = [await ann.hear(), await bob.hear()];
                assert.deepEqual(own, message);
                const { id, created_at, ...rest } = message;
                assert.deepEqual(rest, { message_id: 'a', sender_id: 'ann', conversation_id: 'one', content: 'hello "you" ☃', seq: 1 });
                assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
                assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);

                const answer = await post(address, { message_id: 'b', conversation_id: 'one', sender_id: 'eve', content: 'x'.repeat(9000) });
                assert.equal(answer.status, 201);
                const posted = await answer.json();
                assert.equal(posted.seq, 2);
                assert.deepEqual(await bob.hear(), posted);
                assert.deepEqual(await ann.hear(), posted);

                ann.say('c', 'two', 'for me alone');
                assert.equal((await ann.hear()).seq, 1);
                for (let i = 0; i < 100; i++) ann.say(`many ${i}`, 'one', 'x'.repeat(i + 1));
                for (let i = 0; i < 100; i++) assert.equal((await bob.hear()).seq, i + 3);
                for (let i = 0; i < 100; i++) assert.equal((await ann.hear()).message_id, `many ${i}`);
                assert.equal((await post(address, { message_id: 'd' })).status, 422);
                bob.socket.close();
            }));

        test('keeps what it has stored, once', { skip: !stores }, () =>
            running(name, folder, async (address) => {
                const page = await history(address, 'one', 50);
                assert.deepEqual(page.messages.map((message) => message.seq), Array.from({ length: 50 }, (_, i) => i + 53));
                assert.deepEqual((await history(address, 'nowhere', 50)).messages, []);
                const ann = await Device.open(address, dialect, 'ann', ['one']);
                const bob = await Device.open(address, dialect, 'bob', ['one']);
                ann.say('a', 'one', 'another text');
                const repeat = await ann.hear();
                assert.deepEqual([repeat.seq, repeat.content], [1, 'hello "you" ☃']);
                const answer = await post(address, { message_id: 'b', conversation_id: 'one', sender_id: 'eve', content: 'again' });
                assert.deepEqual([answer.status, (await answer.json()).seq], [200, 2]);
                bob.say('a', 'one', 'the same id from somebody else');
                for (const device of [ann, bob]) assert.equal((await device.hear()).seq, 103);
                rmSync(folder, { recursive: true });
            }));
    });
}
