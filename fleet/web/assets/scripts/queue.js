// Steps taken on this phone, kept in the browser until the server has them: they survive a closed page, a dead
// battery and a night without coverage.  IndexedDB, because photos are kept too.
const NAME = "passerelle";
const STORE = "steps";
const VERSION = 1;

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function within(mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const asked = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

// Oldest first.
export const all = () => within("readonly", (store) => store.getAll());
export const add = (step) => within("readwrite", (store) => store.add(step));
export const keep = (step) => within("readwrite", (store) => store.put(step));
export const remove = (id) => within("readwrite", (store) => store.delete(id));
