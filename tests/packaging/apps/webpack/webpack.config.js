export default {
  entry: "./main.js",
  output: { publicPath: "/dist/" },
  devServer: { static: { directory: ".", watch: false } },
};
