/** Modules that an app in the documentation has of its own. */

declare module "my-journal" {
  export default function init(): Promise<unknown>;
  export function openCore(options: object, host: object): Promise<object>;
}
