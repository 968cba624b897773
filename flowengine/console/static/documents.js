// Pages and pictures of this server as documents, to take elements out of.

// XMLHttpRequest makes a document of what it reads; the policy of trusted types, which keeps
// DOMParser from texts, has nothing against that. Scripts in it do not run.
export function fetchDocument(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.addEventListener("error", () => reject(new Error("The console does not answer.")));
    request.addEventListener("load", () => {
      if (request.status === 200 && request.responseXML) resolve(request.responseXML);
      else reject(new Error(`The console answered ${request.status}.`));
    });
    request.send();
  });
}

// Put the element with this id of another page in the place of the one with the same id here.
export async function replaceFromPage(address, id) {
  const fresh = (await fetchDocument(address)).getElementById(id);
  if (fresh) document.getElementById(id)?.replaceWith(document.adoptNode(fresh));
}
