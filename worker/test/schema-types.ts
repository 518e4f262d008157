/** Checked by the compiler alone: what the schema libraries export is a schema here, and records keep their types. */

import { createSync, type Schema, type Stored } from "lastword";
import * as v from "valibot";
import { toJsonSchema } from "@valibot/to-json-schema";
import { Type, type Static } from "typebox";
import * as z from "zod";

const ZodGoal = z.object({ title: z.string().min(1), target: z.number().nullable() });
const ValibotGoal = v.object({ title: v.pipe(v.string(), v.minLength(1)), target: v.nullable(v.number()) });
const TypeBoxGoal = Type.Object({ title: Type.String({ minLength: 1 }), target: Type.Union([Type.Number(), Type.Null()]) });

export async function exported(): Promise<void> {
  const sync = await createSync({
    database: "app",
    backend: { url: "/", gzip: true },
    entities: {
      zod: { schema: z.toJSONSchema(ZodGoal, { io: "input" }) as Schema<z.input<typeof ZodGoal>> },
      valibot: { schema: toJsonSchema(ValibotGoal, { target: "draft-2020-12", typeMode: "input" }) as Schema<v.InferInput<typeof ValibotGoal>> },
      typebox: { schema: TypeBoxGoal as Schema<Static<typeof TypeBoxGoal>> },
      untyped: { schema: z.toJSONSchema(ZodGoal, { io: "input" }) },
      alsoUntyped: { schema: toJsonSchema(ValibotGoal) },
      asItIs: { schema: TypeBoxGoal },
      columns: { statusFields: "camelCase", times: "iso" },
      snake: { statusFields: "snake_case" },
      some: { statusFields: { syncStatus: "state" } },
    },
  });
  const { entities } = sync;
  for (const goals of [entities.zod, entities.valibot, entities.typebox]) {
    const goal: Stored<{ title: string; target: number | null }> = await goals.put({ title: "Run", target: null });
    void goal.clientUpdatedAt;
  }
  // @ts-expect-error: a required field is missing
  await entities.zod.put({ target: 1 });
  // @ts-expect-error: of another type
  await entities.valibot.put({ title: 1, target: 1 });
  // @ts-expect-error: of another type
  await entities.typebox.update("1", { target: "far" });
  // Without a name for the type, any fields.
  await entities.untyped.put({ title: "Run" });
  await entities.alsoUntyped.put({ title: "Run" });
  const title: string | undefined = (await entities.asItIs.put({ title: "Run", target: 1 })).title;

  const shown = await entities.columns.get("1");
  const at: string | null | undefined = shown?.lastSyncedAt;
  const status: "pending" | "synced" | "failed" | "conflict" | undefined = (await entities.snake.list())[0]?.sync_status;
  const state: unknown = (await entities.some.get("1"))?.["state"];
  void [title, at, status, state];
}
