// Counters move without reload; a new mail reloads the page.
const mails = Number(document.body.dataset.mails);
setInterval(async () => {
  const answer = await fetch("/state");
  if (!answer.ok) return;
  const state = await answer.json();
  if (state.mails !== mails) return location.reload();
  document.getElementById("delivered").textContent = state.delivered.toLocaleString(document.documentElement.lang);
  for (const [eui, heard] of Object.entries(state.heard)) {
    const cell = document.getElementById(`heard-${eui}`);
    if (cell) cell.textContent = heard.toLocaleString(document.documentElement.lang);
  }
}, 2000);
