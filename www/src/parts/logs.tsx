/** A list of logs that can be edited and deleted. */

import { useState } from "preact/hooks";
import { useApp } from "../app-context.js";
import { usePendingIds } from "../hooks.js";
import type { Row } from "../model.js";
import { LogForm } from "./log-form.js";
import { LogList } from "./log-list.js";
import { Modal } from "./modal.js";

export function Logs({ logs, empty }: { logs: Row<"workout-logs">[] | undefined; empty: string }) {
  const { sync, attempt } = useApp();
  const [editing, setEditing] = useState<Row<"workout-logs">>();
  const pending = usePendingIds();
  const entity = sync.entities["workout-logs"];
  return (
    <>
      <LogList logs={logs} pending={pending} empty={empty} onEdit={setEditing} onDelete={(log) => void attempt(() => entity.delete(log.id))} />
      {editing && (
        <Modal title="Edit log" onClose={() => setEditing(undefined)}>
          <LogForm
            label="Save" log={editing}
            onSave={(log) => attempt(async () => {
              await entity.update(editing.id, log);
              setEditing(undefined);
            })}
          />
        </Modal>
      )}
    </>
  );
}
