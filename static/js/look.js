import { storageHere } from "./util/storage.js";
import { Preferences } from "./model/preferences.js";
import { followAppearance } from "./view/appearance.js";

/** Before anything is painted: the colours and the text size that this person prefers. */
followAppearance(new Preferences({ storage: storageHere() }));
