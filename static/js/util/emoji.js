/** Common emoji with the names by which they are found; loaded when the picker is opened. */
const LIST = `
😀 grinning face|😃 smiling face|😄 laughing face|😁 beaming face|😅 sweating smile|😂 tears of joy|🤣 rolling on the floor laughing|🙂 slight smile
🙃 upside-down face|😉 winking face|😊 blushing smile|😇 angel halo|🥰 smile with hearts|😍 heart eyes|😘 kiss|😋 yummy
😜 winking tongue|🤪 zany face|🤗 hug|🤭 giggle behind hand|🤫 hush quiet|🤔 thinking|🤨 raised eyebrow|😐 neutral face
🙄 rolling eyes|😏 smirk|😬 grimace|😌 relieved|😔 pensive sad|😴 sleeping|🤒 ill thermometer|🤯 mind blown
🥳 party face|😎 cool sunglasses|🤓 nerd|😕 confused|😟 worried|😮 surprised|😳 flushed|🥺 pleading
😢 crying|😭 sobbing|😱 scream|😞 disappointed|😤 steam|😡 angry|🤬 swearing|💀 skull
👍 thumbs up yes|👎 thumbs down no|👌 ok hand|✌️ victory peace|🤞 fingers crossed|🤝 handshake|👏 clapping|🙌 raised hands
🙏 thanks please|💪 strong muscle|👋 waving hello|✋ raised hand stop|👉 pointing right|👈 pointing left|👆 pointing up|👇 pointing down
🤷 shrug|🤦 facepalm|🙋 raising hand|👀 eyes looking|🧠 brain|👶 baby|👻 ghost|🤖 robot
❤️ red heart love|🧡 orange heart|💛 yellow heart|💚 green heart|💙 blue heart|💜 purple heart|🖤 black heart|💔 broken heart
🔥 fire|✨ sparkles|⭐ star|💯 hundred|💥 boom|💡 idea light bulb|🎉 party popper|🎂 birthday cake
🎁 present gift|🏆 trophy|🎯 target|🚀 rocket|✅ check done|❌ cross wrong|❓ question|❗ exclamation
⚠️ warning|🚧 construction|🐛 bug|🔧 wrench|🔒 lock|🔑 key|📌 pin|📎 paper clip
📅 calendar|⏰ alarm clock|⏳ hourglass|📞 telephone|💻 laptop|📷 camera|📚 books|✏️ pencil
☀️ sun|🌧️ rain|❄️ snow|🌈 rainbow|🌙 moon|🌍 earth|🌸 blossom|🌳 tree
🐶 dog|🐱 cat|🦊 fox|🐻 bear|🐸 frog|🦄 unicorn|☕ coffee|🍺 beer
🍷 wine|🍕 pizza|🍔 burger|🍎 apple|🍓 strawberry|🍫 chocolate|🍪 cookie|🥗 salad
⚽ football|🏃 running|🚲 bicycle|🚗 car|🚆 train|✈️ plane|🏠 house|🏖️ beach
`;

/** Pairs of an emoji and its name. */
export const emoji = LIST.trim()
  .split(/[|\n]/)
  .map((entry) => [entry.slice(0, entry.indexOf(" ")), entry.slice(entry.indexOf(" ") + 1)]);
