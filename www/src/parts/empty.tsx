/** What stands where nothing is yet: what it is for, and how it begins. */

import { Icon, type IconName } from "./icons.js";

export function Empty({ icon, children }: { icon: IconName; children: string }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <p>{children}</p>
    </div>
  );
}
