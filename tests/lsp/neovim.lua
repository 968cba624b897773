-- What a person does in Neovim, without the person: see a problem, ask what a state sends, mend the
-- mistake, complete a name. What the editor shows is written to the file in RESULT, as JSON.
local found = {}
local client = vim.lsp.start_client({ cmd = { vim.env.FLOWENGINE, "lsp" }, root_dir = vim.fn.getcwd() })
vim.lsp.buf_attach_client(0, client)

local function wait_for_problems(count)
  vim.wait(60000, function() return #vim.diagnostic.get(0) == count end, 50)
  return vim.tbl_map(function(one) return { one.lnum, one.col, one.message } end, vim.diagnostic.get(0))
end

local function ask(method, line, character, more)
  local params = vim.tbl_extend("error", {
    textDocument = { uri = vim.uri_from_bufnr(0) },
    position = { line = line, character = character },
  }, more or {})
  local answers = vim.lsp.buf_request_sync(0, method, params, 60000) or {}
  local _, answer = next(answers)
  return answer and answer.result
end

found.problems = wait_for_problems(1)
vim.api.nvim_buf_set_lines(0, 4, 5, true, { "    say: Hello 😀. Goodbye.", "    next: goodbye" })
vim.api.nvim_buf_set_lines(0, 6, 7, true, {})
found.mended = wait_for_problems(0)
found.hover = ask("textDocument/hover", 5, 12)
local items = ask("textDocument/completion", 5, 10) or {}
found.offered = vim.tbl_map(function(item) return item.label end, items.items or items)
found.definition = ask("textDocument/definition", 5, 12)
local edit = ask("textDocument/rename", 7, 26, { newName = "desk" })
vim.lsp.util.apply_workspace_edit(edit, vim.lsp.get_client_by_id(client).offset_encoding)
found.renamed = vim.api.nvim_buf_get_lines(0, 7, 8, true)[1]

local file = io.open(vim.env.RESULT, "w")
file:write(vim.fn.json_encode(found))
file:close()
vim.cmd("qall!")
