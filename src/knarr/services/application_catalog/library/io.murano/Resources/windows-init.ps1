#ps1
# Tells the agent of a Windows machine whom to listen to, and names the machine.
$ErrorActionPreference = 'Stop'
$folder = 'C:\Murano'
$config = "$folder\Agent\WindowsAgent.exe.config"
$certificate = '%CA_ROOT_CERT_BASE64%'
$name = '%INTERNAL_HOSTNAME%'

function Write-Bytes([string] $Base64, [string] $Path) {
    [IO.File]::WriteAllBytes($Path, [Convert]::FromBase64String($Base64))
}

if ($certificate -ne '') {
    Write-Bytes $certificate "$folder\ca.cert"
    $store = New-Object Security.Cryptography.X509Certificates.X509Store('AuthRoot', 'LocalMachine')
    $store.Open('MaxAllowed')
    $store.Add((New-Object Security.Cryptography.X509Certificates.X509Certificate2 "$folder\ca.cert"))
    $store.Close()
}

Stop-Service 'Murano Agent'
if (Test-Path $config) { Copy-Item $config "$config.bak" -Force }
Remove-Item "$folder\Agent\log.txt" -Force -ErrorAction SilentlyContinue
Write-Bytes '%AGENT_CONFIG_BASE64%' $config
sc.exe config 'Murano Agent' start= delayed-auto | Out-Null
[Environment]::SetEnvironmentVariable('MuranoFileShare', '\\%MURANO_SERVER_ADDRESS%\share', 'Machine')

if ((hostname) -ne $name) {
    Rename-Computer -NewName $name -Force
    Restart-Computer -Force
} else {
    Start-Service 'Murano Agent'
}
