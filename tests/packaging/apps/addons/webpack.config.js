export default {
  entry: { main: "./main.js", "service-worker": "./service-worker.js" },
  output: { publicPath: "/" },
};
