/** Signing out: says first what would be lost. */

import { useApp } from "../app-context.js";
import { useStatus } from "../hooks.js";
import { Modal } from "../parts/modal.js";
import { saveSettings } from "../settings.js";

export function SignOut({ onClose }: { onClose: () => void }) {
  const { sync, settings, attempt } = useApp();
  const { pending, failed, conflicts } = useStatus();
  const unsent = pending + failed + conflicts;
  const signOut = (wipe: boolean) => attempt(async () => {
    await sync.signOut({ wipe });
    await saveSettings({ ...settings, key: "", remember: false });
    // A page that begins anew holds nothing of the account.
    location.reload();
  });
  return (
    <Modal title="Sign out" onClose={onClose}>
      {unsent > 0 && (
        <p class="problem">{unsent === 1 ? "1 edit was" : `${unsent.toLocaleString()} edits were`} never sent. Deleted here, {unsent === 1 ? "it is" : "they are"} lost.</p>
      )}
      <p>The key is forgotten on this device. Your logs can stay for the next time, or go.</p>
      <div class="buttons">
        <button type="button" class="main" onClick={() => void signOut(false)}>Keep the logs here</button>
        <button type="button" class="danger" onClick={() => void signOut(true)}>Delete them from this device</button>
      </div>
    </Modal>
  );
}
