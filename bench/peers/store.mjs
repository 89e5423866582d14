/** Messages in SQLite. What is posted in one turn of the event loop is one transaction. */

import Database from 'better-sqlite3';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

const SCHEMA = `
    CREATE TABLE IF NOT EXISTS messages (
        conversation_id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        id TEXT NOT NULL,
        message_id TEXT NOT NULL,
        sender_id TEXT NOT NULL,
        content TEXT NOT NULL,
        created_at TEXT NOT NULL,
        PRIMARY KEY (conversation_id, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX IF NOT EXISTS messages_once ON messages (conversation_id, sender_id, message_id);
`;
const COLUMNS = ['id', 'message_id', 'sender_id', 'conversation_id', 'content', 'created_at', 'seq'];
/** A row as JSON: made by SQLite, a page takes a third of the time. */
const JSON_OF_ROW = `json_object(${COLUMNS.map((name) => `'${name}', ${name}`)})`;

export class Store {
    #posts = [];
    #publish;
    /** The last `seq` of each conversation that was written to; this process alone writes. */
    #heads = new Map();

    /**
     * After each commit `publish` is given the posts, in order, each with its stored `message`, and `repeat` where that is an
     * earlier one's. When a commit fails they have an `error` instead.
     */
    constructor(folder, publish) {
        this.#publish = publish;
        const db = (this.db = new Database(join(folder, 'messages.db')));
        db.pragma('journal_mode = WAL');
        // NORMAL survives a crash of the process but not of the machine; FULL, which fsyncs every commit, survives both.
        db.pragma(`synchronous = ${process.env.SYNCHRONOUS === 'FULL' ? 'FULL' : 'NORMAL'}`);
        db.exec(SCHEMA);
        this.insert = db.prepare(`INSERT INTO messages (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
        this.head = db.prepare('SELECT coalesce(max(seq), 0) FROM messages WHERE conversation_id = ?').pluck();
        this.stored = db.prepare(`SELECT ${COLUMNS} FROM messages WHERE conversation_id = ? AND sender_id = ? AND message_id = ?`);
        this.latest = db.prepare(`SELECT ${JSON_OF_ROW} FROM messages WHERE conversation_id = ? ORDER BY seq DESC LIMIT ?`).pluck();
        this.all = db.transaction((posts) => {
            const now = new Date().toISOString();
            for (const post of posts) this.#store(post, now);
        });
    }

    /** Has a post `{message_id, conversation_id, sender_id, content}` stored; what else is in it comes back at `publish`. */
    post(post) {
        if (this.#posts.push(post) === 1) setImmediate(() => this.commit());
    }

    /** Stores what waits. */
    commit() {
        const posts = this.#posts;
        this.#posts = [];
        try {
            this.all.immediate(posts);
        } catch (error) {
            this.#heads.clear();
            for (const post of posts) post.error = error;
        }
        this.#publish(posts);
    }

    #store(post, now) {
        const { message_id, conversation_id, sender_id, content } = post;
        const seq = (this.#heads.get(conversation_id) ?? this.head.get(conversation_id)) + 1;
        const id = randomUUID();
        if (this.insert.run(id, message_id, sender_id, conversation_id, content, now, seq).changes) {
            this.#heads.set(conversation_id, seq);
            post.message = { id, message_id, sender_id, conversation_id, content, created_at: now, seq };
        } else {
            post.repeat = true;
            post.message = this.stored.get(conversation_id, sender_id, message_id);
        }
    }

    /** The latest messages, ascending, as JSON. */
    page(conversation, limit) {
        return `[${this.latest.all(conversation, limit).reverse().join()}]`;
    }
}

/** Whether it can be posted. */
export function isPost(value) {
    const isText = (text) => typeof text === 'string' && text !== '';
    return isText(value?.message_id) && isText(value.conversation_id) && isText(value.content);
}
