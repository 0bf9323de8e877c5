<?php
// PHP's SoapClient loads the committed contract and finds every operation in it.
if (!class_exists('SoapClient')) {
    fwrite(STDERR, "SKIPPED: php-soap is not installed (scripts/setup)\n");
    exit(77);
}
ini_set('soap.wsdl_cache_enabled', '0');
$wsdl = $argv[1];
$expected = substr_count(file_get_contents($wsdl), '<wsdl:operation ') / 2; // port type and binding
$found = count((new SoapClient($wsdl))->__getFunctions());
echo "$found operations of $expected\n";
exit($found === $expected && $found > 0 ? 0 : 1);
