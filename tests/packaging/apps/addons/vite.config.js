export default {
  build: {
    rolldownOptions: {
      input: { main: "index.html", "service-worker": "service-worker.js" },
      output: { entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js") },
    },
  },
};
