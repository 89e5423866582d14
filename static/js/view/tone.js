const NOTES = [
  { at: 0, pitch: 660 },
  { at: 0.09, pitch: 880 },
];
const LENGTH = 0.16;
const LOUDNESS = 0.08;

let audio = null;

/**
 * Two soft notes; silence where the browser has no sound, or doesn't let this page be heard
 * yet: it would play them later, all at once.
 */
export function playTone() {
  if (typeof AudioContext !== "function" || navigator.userActivation?.hasBeenActive === false) return;
  audio ??= new AudioContext();
  audio.resume().then(() => NOTES.forEach(play), () => {});
}

function play({ at, pitch }) {
  const start = audio.currentTime + at;
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.01);
  volume.gain.exponentialRampToValueAtTime(0.0001, start + LENGTH);
  tone.connect(volume).connect(audio.destination);
  tone.start(start);
  tone.stop(start + LENGTH);
}
