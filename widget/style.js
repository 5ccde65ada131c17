/* How the panel looks. Logical properties throughout, so that right-to-left needs no second copy. */
document.currentScript.deskhand({ css: `
  .panel { --bg: #fff; --text: #16181d; --faint: #5d6470; --soft: #f2f4f7; --edge-line: #e3e6eb; --error: #b3121f; --raised: #fff;
    position: fixed; bottom: calc(var(--foot) + 72px); right: var(--side); width: 392px; max-width: calc(100vw - 40px);
    height: min(660px, calc(100vh - 120px)); height: min(660px, calc(100dvh - 120px)); display: flex; flex-direction: column;
    background: var(--bg); color: var(--text); color-scheme: light; border-radius: 18px; overflow: hidden; outline: 0; text-align: start;
    box-shadow: 0 18px 50px rgb(0 0 0 / .24), 0 2px 8px rgb(0 0 0 / .12); transform-origin: bottom right; animation: rise .2s ease-out; }
  .left .panel { right: auto; left: max(var(--edge), env(safe-area-inset-left)); transform-origin: bottom left; }
  .panel button:focus-visible, .panel a:focus-visible, .scroll:focus-visible { outline: 2px solid var(--text); outline-offset: 2px; border-radius: 6px; }
  .scroll:focus-visible { outline-offset: -3px; }
  .panel svg { width: 18px; height: 18px; flex: none; }
  p, ul, ol, pre, blockquote { margin: 0; padding: 0; }

  header { display: flex; align-items: center; gap: 12px; padding: 16px 18px; background: var(--accent); color: var(--on-accent); }
  header > div { flex: 1; min-width: 0; }
  .title { font-size: 17px; font-weight: 650; line-height: 1.3; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .subtitle { font-size: 13px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .panel .close { width: 36px; height: 36px; border-radius: 50%; display: grid; place-items: center; }
  .close:hover { background: rgb(127 127 127 / .25); }
  .panel .close:focus-visible { outline-color: currentColor; border-radius: 50%; }
  .banner { padding: 8px 18px; font-size: 13px; background: #fdf3d7; color: #5c4300; border-bottom: 1px solid #f2e2ae; }

  .scroll { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 18px 16px 12px; position: relative; scrollbar-width: thin; }
  .message { display: flex; flex-direction: column; align-items: flex-start; margin-bottom: 14px; overflow-wrap: anywhere; }
  .message.customer { align-items: flex-end; }
  .bubble { max-width: 88%; padding: 10px 14px; border-radius: 4px 16px 16px; background: var(--soft); }
  [dir=rtl] .bubble { border-radius: 16px 4px 16px 16px; }
  .customer .bubble { background: var(--accent); color: var(--on-accent); border-radius: 16px 4px 16px 16px; }
  [dir=rtl] .customer .bubble { border-radius: 4px 16px 16px; }
  .agent .bubble { background: var(--raised); border: 1px solid var(--edge-line); }
  .system { align-items: center; }
  .system .bubble { background: none; color: var(--faint); font-size: 13px; text-align: center; padding: 0 14px; }
  .bubble > * + *, .bubble li + li { margin-top: 7px; }
  .bubble li + li, li > ul, li > ol { margin-top: 3px; }
  .bubble ul, .bubble ol { padding-inline-start: 21px; }
  .plain { white-space: pre-wrap; }
  .panel a { color: inherit; text-underline-offset: 2px; }
  code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: rgb(127 127 127 / .14); border-radius: 5px; }
  code { padding: 1px 5px; }
  pre { padding: 8px 10px; white-space: pre-wrap; }
  sup { font-size: 11px; line-height: 1; font-weight: 600; padding: 0 1px; }
  .who { display: flex; align-items: center; gap: 7px; margin-bottom: 5px; font-size: 13px; font-weight: 600; color: var(--faint); }
  .ai + .ai .who { display: none; }
  .face { width: 24px; height: 24px; border-radius: 50%; display: grid; place-items: center; background: var(--accent); color: var(--on-accent); font-size: 12px; }
  .panel .face svg { width: 14px; height: 14px; }

  .meta { display: flex; align-items: center; gap: 6px; min-height: 24px; margin-top: 2px; padding: 0 4px; font-size: 12px; color: var(--faint); }
  .meta:empty { display: none; }
  .tick::before { content: "✓"; font-weight: 700; }
  .tick.sending::before { content: ""; display: block; width: 10px; height: 10px; border: 1.500px solid; border-radius: 50%; border-top-color: transparent; animation: turn 1s linear infinite; }
  .tick.failed::before, .tick.refused::before { content: "!"; color: var(--error); }
  .thumbs { display: flex; margin-inline-start: 2px; }
  .panel .thumb { width: 28px; height: 26px; display: grid; place-items: center; border-radius: 6px; }
  .thumb svg { width: 15px; height: 15px; }
  .thumb:hover { background: var(--soft); color: var(--text); }
  .thumb[aria-pressed=true] { color: var(--text); }
  .thumb[aria-pressed=true] svg { fill: currentColor; fill-opacity: .3; }
  .problem { display: flex; gap: 8px; flex-wrap: wrap; justify-content: flex-end; font-size: 13px; color: var(--error); padding: 0 4px; }
  .retry { font-weight: 600; text-decoration: underline; text-underline-offset: 2px; }

  .sources { list-style: none; max-width: 88%; margin-top: 6px; display: grid; gap: 4px; font-size: 13px; }
  .sources li { display: grid; grid-template-columns: auto 1fr auto; align-items: center; column-gap: 8px; padding: 3px 4px 3px 8px;
    border: 1px solid var(--edge-line); border-radius: 10px; background: var(--raised); }
  .number { min-width: 18px; height: 18px; line-height: 18px; border-radius: 9px; text-align: center; font-size: 11px; font-weight: 700; background: var(--soft); color: var(--faint); }
  .source { min-width: 0; }
  .source a { text-decoration: none; }
  .source a:hover { text-decoration: underline; }
  .source a::after { content: " ↗"; color: var(--faint); }
  .panel .unfold { width: 28px; height: 26px; display: grid; place-items: center; color: var(--faint); }
  .unfold svg { transition: transform .15s; }
  .unfold[aria-expanded=true] svg { transform: rotate(180deg); }
  .sources blockquote { grid-column: 1 / -1; margin: 2px 4px 6px 0; padding-inline-start: 10px; border-inline-start: 3px solid var(--edge-line); color: var(--faint); }

  .notice { flex-direction: row; gap: 11px; padding: 12px 14px; border-radius: 14px; border: 1px solid var(--edge-line); background: var(--raised); }
  .notice svg { margin-top: 2px; }
  .notice p:first-child { font-weight: 600; }
  .faint { color: var(--faint); font-size: 13px; }
  .chips { display: flex; flex-wrap: wrap; gap: 8px; margin-bottom: 14px; }
  .panel .chip { padding: 7px 13px; border: 1px solid var(--edge-line); border-radius: 17px; background: var(--raised); font-size: 14px; text-align: start; }
  .chip:hover, .human:hover { border-color: var(--faint); }
  .dots { display: inline-flex; gap: 4px; padding: 13px 15px; border-radius: 4px 16px 16px; background: var(--soft); }
  .dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--faint); animation: wait .6s ease-in-out infinite alternate; }
  .dots i:nth-child(2) { animation-delay: .2s; }
  .dots i:nth-child(3) { animation-delay: .4s; }
  .aside { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .newer { position: absolute; bottom: 128px; left: 50%; transform: translateX(-50%); display: flex; gap: 6px; align-items: center; padding: 6px 13px;
    border-radius: 16px; background: var(--text); color: var(--bg); font-size: 13px; box-shadow: 0 3px 10px rgb(0 0 0 / .25); }

  .bar { display: flex; align-items: center; justify-content: space-between; gap: 10px; padding: 7px 14px; font-size: 13px; border-top: 1px solid var(--edge-line); }
  .human { display: flex; align-items: center; gap: 6px; padding: 4px 11px 4px 8px; border: 1px solid var(--edge-line); border-radius: 15px; font-weight: 550; }
  .human[aria-busy=true] { color: var(--faint); }
  .privacy { color: var(--faint); }
  form { position: relative; display: flex; align-items: flex-end; gap: 8px; margin: 0 12px max(12px, env(safe-area-inset-bottom)); padding: 5px;
    border: 1px solid #8b919c; border-radius: 24px; }
  form:focus-within { border-color: var(--text); }
  /* 16px, because iOS zooms the page into anything smaller. */
  textarea { flex: 1; min-width: 0; font: inherit; font-size: 16px; line-height: 22px; color: inherit; background: none; border: 0; outline: 0; resize: none;
    margin: 0; padding: 6px 4px 6px 12px; height: 34px; scrollbar-width: thin; }
  textarea::placeholder { color: var(--faint); opacity: 1; }
  .panel .send { width: 34px; height: 34px; border-radius: 50%; display: grid; place-items: center; background: var(--accent); color: var(--on-accent); }
  .send:disabled { background: var(--soft); color: var(--faint); cursor: default; }
  .counter { color: var(--faint); }
  .counter:not([hidden]) + .privacy { display: none; }
  .counter.over { color: var(--error); font-weight: 600; }

  @keyframes rise { from { opacity: 0; transform: translateY(10px) scale(.98); } }
  @keyframes turn { to { transform: rotate(1turn); } }
  @media (prefers-color-scheme: dark) {
    .panel { --bg: #15171c; --text: #eceef2; --faint: #a2a9b5; --soft: #262a32; --edge-line: #363b45; --error: #ff8d8d; --raised: #1c1f26; color-scheme: dark; border: 1px solid var(--edge-line); }
    .banner { background: #3a3014; color: #f6e2a8; border-color: #54461f; }
  }
  @media (forced-colors: active) { .panel, .bubble, .send, .newer { border: 1px solid; } }
  @media (max-width: 480px), (max-height: 480px) {
    .panel, .left .panel { inset: var(--top, 0) 0 auto 0; width: auto; max-width: none; height: var(--height, 100dvh); border-radius: 0; animation: none; }
    header { padding-top: max(14px, env(safe-area-inset-top)); }
    .open .launcher { display: none; }
    .panel .thumb, .panel .unfold { width: 36px; height: 34px; }
  }
` });
