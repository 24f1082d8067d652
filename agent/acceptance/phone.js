"use strict";
// The phone's half of the acceptance: checks that refresh, photos made small, a finger's signature.
const SIDE_LIMIT = 1600;
const REFRESH_MS = 3000;
const checks = document.getElementById("checks");
const lost = document.getElementById("lost");

async function refresh() {
  try {
    const answer = await fetch("/recette/constats");
    if (answer.ok) checks.innerHTML = await answer.text();
    if (answer.status === 403) location.reload();
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
}
if (checks) setInterval(refresh, REFRESH_MS);

const photo = document.getElementById("photo");
if (photo) {
  photo.addEventListener("change", async () => {
    const file = photo.files[0];
    if (!file) return;
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SIDE_LIMIT / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    for (const quality of [0.8, 0.6, 0.4]) {
      const small = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
      if (small.size > Number(photo.dataset.limit) && quality > 0.4) continue;
      const bag = new DataTransfer();
      bag.items.add(new File([small], "photo.jpg", { type: "image/jpeg" }));
      photo.files = bag.files;
      break;
    }
    photo.form.requestSubmit();
  });
}

const board = document.getElementById("board");
if (board) {
  document.getElementById("drawing-field").hidden = false;
  const pen = board.getContext("2d");
  pen.lineWidth = 2.5;
  pen.lineCap = "round";
  const at = (event) => {
    const box = board.getBoundingClientRect();
    const scale = board.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  let drawn = false;
  board.addEventListener("pointerdown", (event) => {
    board.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
  });
  board.addEventListener("pointermove", (event) => {
    if (!board.hasPointerCapture(event.pointerId)) return;
    pen.lineTo(...at(event));
    pen.stroke();
    drawn = true;
  });
  document.getElementById("wipe").addEventListener("click", () => {
    pen.clearRect(0, 0, board.width, board.height);
    drawn = false;
  });
  board.closest("form").addEventListener("submit", () => {
    document.getElementById("drawing").value = drawn ? board.toDataURL("image/png") : "";
  });
}
