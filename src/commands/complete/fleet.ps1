# Completion of fleet in PowerShell: all that can follow is asked of `fleet complete`.
Register-ArgumentCompleter -Native -CommandName fleet -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $line = $commandAst.ToString()
    $length = $cursorPosition - $commandAst.Extent.StartOffset
    $line = if ($length -gt $line.Length) { "$line " } else { $line.Substring(0, $length) }
    # Double quotes within an argument do not reach a program before PowerShell 7.3.
    $line = $line.Replace('"', "'")
    $answer = @(& $commandAst.CommandElements[0].Value complete powershell --line $line 2>$null)
    # Without a result PowerShell completes files.
    if ($answer.Length -eq 0 -or $answer[0] -ne 'values') { return }
    if ($answer.Length -eq 1) { return '' }
    foreach ($one in $answer[1..($answer.Length - 1)]) {
        $value, $meaning = $one -split "`t", 2
        if (-not $meaning) { $meaning = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $meaning)
    }
}
