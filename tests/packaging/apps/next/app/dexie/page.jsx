import { Notebook } from "./notebook";

export default function Page() {
  return <Notebook />;
}
