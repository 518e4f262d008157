import { createSync } from "lastword";

const { backend, key } = Object.fromEntries(new URLSearchParams(location.search));
const sync = await createSync({
  database: "notebook",
  entities: { notes: {} },
  backend: { url: backend },
  token: key,
});
const { notes } = sync.entities;
const [form, list] = [document.querySelector("form"), document.querySelector("ul")];

async function show() {
  const items = (await notes.list()).map(({ text }) => Object.assign(document.createElement("li"), { textContent: text }));
  list.replaceChildren(...items);
}
sync.on("change", show);
form.onsubmit = async (event) => {
  event.preventDefault();
  await notes.put({ text: form.elements.text.value });
  form.reset();
};
document.querySelector("#sync").onclick = () => sync.syncNow();
await show();
form.hidden = false;
