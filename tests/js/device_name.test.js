import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceName } from "../../static/js/view/panels/device_name.js";
import { words } from "../../static/js/util/words.js";

test("devices have the names that people give them", () => {
  const names = {
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36": "Chrome on Linux",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0": "Edge on Windows",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15": "Safari on Mac",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile Safari/604.1": "Chrome on iPhone",
    "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0": "Firefox on Android",
    "curl/8.5.0": "curl",
    "Mozilla/5.0 (compatible)": "Mozilla",
  };
  for (const [agent, name] of Object.entries(names)) assert.equal(deviceName(agent), name);
  assert.equal(deviceName(null), words.unknownDevice);
});
