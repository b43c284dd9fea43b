// The API's description, which bundle.mjs puts in.
declare module 'api-document' {
  const document: import('./document').Document;
  export default document;
}
